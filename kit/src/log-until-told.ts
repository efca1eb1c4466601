/** Logs a line whenever its parent says so, and tells it what it logged; for the test of a log on a full disk. */
import { createLogger } from './log.ts';

const log = createLogger('logs');
process.on('message', (text: string) => {
  log.info({ by: 'somebody\u001b[2J\u202e' }, text);
  process.send?.(text);
});
process.on('disconnect', () => process.exit(0));
process.send?.('ready');
