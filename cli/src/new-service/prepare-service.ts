import type { exportedConfig } from '@banyan/contracts';
import { BanyanConfigError, parseBanyanConfig, type BanyanConfig } from '@banyan/contracts';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { addToConfig, type ConfigEntry } from './config-line.ts';
import { addToLockfile } from './lock-entry.ts';
import { sliceOf } from './plan-service.ts';
import { foldersOf, packageOf, serviceFiles } from './service-files.ts';
import type { ServicePlan } from './service-plan.ts';
import type { Writing } from './write-service.ts';

const LOCKFILE = 'package-lock.json';

/** Where a service is made: the folder of a configuration. */
export interface Installation {
  readonly configFile: string;
  /** What it exports. */
  readonly config: ReturnType<typeof exportedConfig>['value'];
  /** False: the configuration is left to whoever asked. */
  readonly editsConfig: boolean;
}

export interface Prepared {
  readonly writing: Writing;
  readonly entry: ConfigEntry;
  /** Every reason why it must not be written. */
  readonly problems: readonly string[];
}

/** The service's line of the configuration. */
function entryOf({ name, camel, store }: ServicePlan): ConfigEntry {
  const main = `main: 'extracted/${name}/src/main.ts'`;
  const variable = `${name.replaceAll('-', '_').toUpperCase()}_STORE_URL`;
  const env = store === 'postgres' ? `env: { STORE_URL: fromEnv('${variable}') }` : null;
  const service = [main, ...(env === null ? [] : [env])];
  return {
    exported: `${camel}Slice`,
    file: `./extracted/${name}/slice.ts`,
    element: `{ slice: ${camel}Slice, service: { ${service.join(', ')} } }`,
    tall: [
      '{',
      `  slice: ${camel}Slice,`,
      '  service: {',
      ...service.map((line) => `    ${line},`),
      '  },',
      '}',
    ],
    needs: env === null ? [] : ['fromEnv'],
  };
}

/** Everything that would be written, and every reason not to. Writes nothing. */
export function prepareService(plan: ServicePlan, installation: Installation): Prepared {
  const { configFile, editsConfig } = installation;
  const root = dirname(configFile);
  const { name } = plan;
  const entry = entryOf(plan);
  const config = editsConfig ? addToConfig(readFileSync(configFile, 'utf8'), entry) : null;
  const lockfile = join(root, LOCKFILE);
  const lock = existsSync(lockfile) ? addToLockfile(readFileSync(lockfile, 'utf8'), name) : null;
  const at = `node_modules/${packageOf(name).name}`;
  const writing: Writing = {
    root,
    folders: foldersOf(name),
    files: serviceFiles(plan),
    changed: {
      ...(lock !== null && { [LOCKFILE]: lock }),
      ...(config !== null && { [relative(root, configFile)]: config }),
    },
    link: existsSync(join(root, 'node_modules', '@banyan')) ? { at, to: `extracted/${name}` } : null,
  };
  const problems = [
    ...workspaceProblems(root),
    ...takenProblems(root, [...foldersOf(name), at]),
    ...declarationProblems(plan, installation),
    ...(editsConfig && config === null ? [unknownForm(configFile, entry)] : []),
  ];
  return { writing, entry, problems };
}

/** A service is a workspace, and its migrations stand beside those of others. */
function workspaceProblems(root: string): readonly string[] {
  const file = join(root, 'package.json');
  const { workspaces = [] } = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { workspaces?: readonly string[] })
    : {};
  return [
    ...(workspaces.includes('extracted/*') ? [] : [`${file}: wanted "extracted/*" among its workspaces`]),
    ...(existsSync(join(root, 'migrations', 'migration-source.ts'))
      ? []
      : [`${join(root, 'migrations')}: wanted migration-source.ts, as in Banyan's own checkout`]),
  ];
}

const takenProblems = (root: string, places: readonly string[]): readonly string[] =>
  places
    .filter((place) => existsSync(join(root, place)))
    .map((place) => `${place} is there already, and nothing is written over: take another name`);

/** What the configuration would have against the slice: its own mistakes, and claims of other slices. */
function declarationProblems(plan: ServicePlan, { config }: Installation): readonly string[] {
  const { slices, ...rest } = config as BanyanConfig;
  const service = { main: `extracted/${plan.name}/src/main.ts` };
  try {
    parseBanyanConfig({ ...rest, slices: [...slices, { slice: sliceOf(plan), service }] });
    return [];
  } catch (error) {
    if (!(error instanceof BanyanConfigError)) throw error;
    return error.problems.map((problem) => problem.replace(`slices.${slices.length}.`, ''));
  }
}

const unknownForm = (file: string, { exported, file: slice, element, needs }: ConfigEntry): string =>
  [
    `${file} is written in a form that is not known here. Run this again with --no-config, and add by hand:`,
    `import { ${exported} } from '${slice}';`,
    ...(needs.length > 0 ? [`import { ${needs.join(', ')} } from '@banyan/contracts';`] : []),
    `slices: [..., ${element}]`,
  ].join('\n      ');
