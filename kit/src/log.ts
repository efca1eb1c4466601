import { pino, type Logger } from 'pino';

export type { Logger };

/** A JSON logger to standard output. Level by `LOG_LEVEL` (default `info`). Log ids and counts, nothing personal. */
export function createLogger(name: string): Logger {
  return pino({ name, level: process.env['LOG_LEVEL'] ?? 'info', base: { name } });
}

/** A logger that says nothing, for tests. */
export const silentLogger: Logger = pino({ level: 'silent' });
