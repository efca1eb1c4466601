import { BanyanConfigError, parseBanyanConfig } from '@banyan/contracts';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectRoot } from '../home.ts';
import { ok, problem, type Finding } from './finding.ts';

/** The file of slices that the control plane will read: `BANYAN_CONFIG`, else the checkout's. */
export function configFile(env: NodeJS.ProcessEnv = process.env): string {
  return env['BANYAN_CONFIG'] ?? join(projectRoot, 'banyan.config.ts');
}

/** Whether it can be read, and the tables that its slices copy. */
export async function checkConfig(
  file: string,
): Promise<{ readonly finding: Finding; readonly tables: readonly string[] }> {
  try {
    const module = (await import(pathToFileURL(file).href)) as { readonly config?: unknown };
    const { slices } = parseBanyanConfig(module.config);
    const tables = slices.flatMap((slice) => slice.tables.map(({ source }) => source));
    const names = slices.map(({ name }) => name).join(', ');
    return { finding: ok('configuration', `${file}: ${names}`), tables: [...new Set(tables)] };
  } catch (error) {
    const got = error instanceof BanyanConfigError ? error.problems.join('; ') : String(error);
    return { finding: problem('configuration', `${file}: ${got}`, 'correct that file'), tables: [] };
  }
}
