import { createLogger, runProcess } from '@banyan/kit';
import { readSettings } from './config.ts';
import { startControl } from './start-control.ts';

const log = createLogger('control');

await runProcess({
  log,
  async start() {
    const settings = readSettings();
    // Whoever supervises us restarts us.
    const control = await startControl({ settings, log, onFatal: () => process.exit(1) });
    log.info({ url: control.url, slices: Object.keys(settings.own.serviceUrls) }, 'control is up');
    return control;
  },
});
