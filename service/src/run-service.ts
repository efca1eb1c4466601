import { createLogger, runProcess, type ConfigTable } from '@banyan/kit';
import { readServiceSettings } from './config.ts';
import type { Service } from './define-service.ts';
import { startService } from './start-service.ts';

/**
 * Makes a process of a service, by the settings in its environment; the one call of its `main.ts`. Ends in order at
 * SIGTERM; exits with 1 when it cannot start, and says everything that is wrong with its settings.
 *
 * @example
 * await runService(stockService);
 */
export async function runService<Store, Table extends ConfigTable>(
  service: Service<Store, Table>,
): Promise<void> {
  const log = createLogger(service.slice.name);
  await runProcess({
    log,
    // Asynchronous, so that wrong settings are told as any other failed start is.
    start: async () => await startService(service, { settings: readServiceSettings(service), log }),
  });
}
