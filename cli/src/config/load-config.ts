import {
  BanyanConfigError,
  exportedConfig,
  parseBanyanConfig,
  type ResolvedBanyanConfig,
} from '@banyan/contracts';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/** What a declaration exports, as it is. @throws BanyanConfigError when it cannot be loaded. */
export async function loadExported(file: string): Promise<ReturnType<typeof exportedConfig>> {
  if (!existsSync(file)) throw new BanyanConfigError([`${file} is not there`]);
  let module: unknown;
  try {
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new BanyanConfigError([`it cannot be loaded: ${problem}`]);
  }
  return exportedConfig(module);
}

/**
 * Loads a declaration and checks it.
 *
 * @throws BanyanConfigError with every mistake at once.
 */
export async function loadConfig(file: string): Promise<ResolvedBanyanConfig> {
  const { value, notices } = await loadExported(file);
  const config = parseBanyanConfig(value);
  return { ...config, notices: [...notices, ...config.notices] };
}
