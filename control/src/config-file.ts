import {
  BanyanConfigError,
  exportedConfig,
  parseBanyanConfig,
  type ResolvedBanyanConfig,
} from '@banyan/contracts';
import { stat } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

/** What the file gave, with the address of each slice's service. */
export interface LoadedConfig {
  readonly config: ResolvedBanyanConfig;
  readonly serviceUrls: Readonly<Record<string, string>>;
}

/**
 * Loads `banyan.config.ts` (or .js) and checks it against the addresses of services.
 *
 * @param options.importModule For tests. Default: `import()`.
 * @throws BanyanConfigError with every mistake at once; it names the file.
 */
export async function loadConfigFile(options: {
  readonly file: string;
  readonly serviceUrls: Readonly<Record<string, string>>;
  readonly importModule?: (url: string) => Promise<unknown>;
}): Promise<LoadedConfig> {
  const { file, serviceUrls, importModule = (url: string): Promise<unknown> => import(url) } = options;
  const fail = (...problems: string[]): never => {
    throw new BanyanConfigError(problems.map((problem) => `${file}: ${problem}`));
  };
  await stat(file).catch((error: unknown) => fail(`it cannot be read: ${(error as Error).message}`));
  let module: unknown;
  try {
    module = await importModule(pathToFileURL(file).href);
  } catch (error) {
    return fail(`it cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  }
  let exported: ReturnType<typeof exportedConfig>;
  try {
    exported = exportedConfig(module);
  } catch (error) {
    if (!(error instanceof BanyanConfigError)) throw error;
    return fail(...error.problems);
  }
  let config: ResolvedBanyanConfig | null = null;
  const problems: string[] = [];
  try {
    const parsed = parseBanyanConfig(exported.value);
    config = { ...parsed, notices: [...exported.notices, ...parsed.notices] };
  } catch (error) {
    if (!(error instanceof BanyanConfigError)) throw error;
    problems.push(...error.problems);
  }
  problems.push(...serviceProblems(namesOf(exported.value), serviceUrls));
  if (!config || problems.length > 0) return fail(...problems);
  return { config, serviceUrls };
}

type Named = { readonly slice?: Named; readonly name?: unknown } | null;

function namesOf(exported: unknown): string[] {
  const slices = (exported as { readonly slices?: unknown } | null)?.slices;
  if (!Array.isArray(slices)) return [];
  return (slices as Named[]).flatMap((entry) => {
    const name = (entry?.slice ?? entry)?.name;
    return typeof name === 'string' ? [name] : [];
  });
}

function serviceProblems(names: readonly string[], urls: Readonly<Record<string, string>>): string[] {
  const given = Object.keys(urls).join(', ') || 'none';
  const missing = names
    .filter((name) => !(name in urls))
    .map(
      (name) =>
        `slice "${name}" has no service: SERVICE_URLS names ${given}; add ${name}=http://127.0.0.1:PORT`,
    );
  const unknown = Object.keys(urls)
    .filter((name) => names.length > 0 && !names.includes(name))
    .map((name) => `SERVICE_URLS names "${name}", which is no slice; slices: ${names.join(', ')}`);
  return [...missing, ...unknown];
}
