import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { checkConfig } from '../checks/check-config.ts';
import { refuseProblems } from '../checks/finding.ts';
import { loadConfig } from '../config/load-config.ts';
import { configFile, projectRoot } from '../home.ts';
import { CommandError } from '../output/command-error.ts';
import { printJson } from '../output/terminal.ts';
import { renderCompose, renderPrometheus, RenderError } from '../render/compose.ts';
import type { Context } from './context.ts';

/** The nearest folder with a package.json, from the checkout's root. */
function workspaceOf(root: string, main: string): string {
  for (let dir = dirname(join(root, main)); dir.startsWith(root) && dir !== root; dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json'))) return relative(root, dir);
  }
  return '';
}

/** Files that follow from the declaration, by their path beside it. */
export async function renderedFiles(file: string): Promise<Readonly<Record<string, string>>> {
  const root = dirname(file);
  const config = await loadConfig(file);
  const template = readFileSync(join(projectRoot, 'compose', 'docker-compose.template.yml'), 'utf8');
  return {
    'docker-compose.yml': renderCompose({ config, template, workspaceOf: (main) => workspaceOf(root, main) }),
    'compose/prometheus.yml': renderPrometheus(config),
  };
}

/**
 * Writes the files that follow from the declaration, or with `--check` says whether they are as they would be written.
 *
 * @throws CommandError `rendered-stale`, `compose-unfit`
 */
export async function configRender(options: { readonly check?: boolean }, context: Context): Promise<void> {
  const file = configFile();
  const { findings } = await checkConfig(file);
  refuseProblems(findings);
  const root = dirname(file);
  const files = await renderedFiles(file).catch((cause: unknown) => {
    if (!(cause instanceof RenderError)) throw cause;
    const { code, problems } = cause;
    throw new CommandError({
      code,
      message: 'compose cannot run this declaration.',
      evidence: problems,
      nextSteps: ['banyan config check', 'banyan config render'],
      exitCode: 3,
      cause,
    });
  });
  const changed = Object.entries(files).filter(([name, text]) => {
    const at = join(root, name);
    return !existsSync(at) || readFileSync(at, 'utf8') !== text;
  });
  const names = changed.map(([name]) => name);
  if (options.check && names.length > 0) {
    throw new CommandError({
      code: 'rendered-stale',
      message: `Not as ${file} says: ${names.join(', ')}.`,
      nextSteps: ['banyan config render'],
      exitCode: 1,
    });
  }
  if (!options.check) for (const [name, text] of changed) writeFileSync(join(root, name), text);
  if (context.json) printJson({ schema_version: 1, changed: names, next_steps: [] });
  else console.log(names.length === 0 ? 'nothing to change' : `written: ${names.join(', ')}`);
}

/** Says whether the declaration is right, with every mistake at once. */
export async function configCheck(context: Context): Promise<void> {
  const { findings } = await checkConfig(configFile());
  refuseProblems(findings);
  if (context.json) printJson({ schema_version: 1, findings, next_steps: ['banyan up'] });
  else for (const { check, verdict, got } of findings) console.log(`${verdict}  ${check}: ${got}`);
}
