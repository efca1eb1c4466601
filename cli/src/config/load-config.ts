import {
  BanyanConfigError,
  exportedConfig,
  parseBanyanConfig,
  type ResolvedBanyanConfig,
} from '@banyan/contracts';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/**
 * Loads a declaration and checks it.
 *
 * @throws BanyanConfigError with every mistake at once.
 */
export async function loadConfig(file: string): Promise<ResolvedBanyanConfig> {
  if (!existsSync(file)) throw new BanyanConfigError([`${file} is not there`]);
  let module: unknown;
  try {
    module = await import(pathToFileURL(file).href);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new BanyanConfigError([`it cannot be loaded: ${problem}`]);
  }
  const { value, notices } = exportedConfig(module);
  const config = parseBanyanConfig(value);
  return { ...config, notices: [...notices, ...config.notices] };
}
