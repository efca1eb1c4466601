import { pino, type DestinationStream, type Logger } from 'pino';
import { printable } from './printable.ts';

export type { Logger };

/** Lines that wait while the log cannot be written, bytes; what comes beyond is lost. */
const MOST_WAITING_BYTES = 64_000;

/**
 * Where log lines go. A log that cannot be written (a full disk, a pipe whose reader is gone) never ends a process:
 * lines wait, up to 64 kB, and come with the next line that can be written; how many were lost is said then.
 *
 * @param fd File descriptor. Written to synchronously, so that the last words before an exit are not lost.
 */
export function createLogDestination(fd: number): DestinationStream {
  const file = pino.destination({ fd, sync: true, maxLength: MOST_WAITING_BYTES });
  let lost = 0;
  file.on('error', () => undefined); // there is no other place to say it; the line that comes through next does
  file.on('drop', () => {
    lost += 1;
  });
  file.on('write', () => {
    if (lost === 0) return;
    const line = JSON.stringify({ level: 40, time: Date.now(), lost, msg: 'the log could not be written' });
    lost = 0;
    setImmediate(() => file.write(`${line}\n`)); // not inside the write that it tells of
  });
  return {
    // Each line is JSON, in which the escapes say the same.
    write: (line) => void file.write(`${printable(line.trimEnd())}\n`),
  };
}

/** A JSON logger to standard output. Level by `LOG_LEVEL` (default `info`). Log ids and counts, nothing personal. */
export function createLogger(name: string): Logger {
  const level = process.env['LOG_LEVEL'] ?? 'info';
  return pino({ name, level, base: { name } }, createLogDestination(process.stdout.fd));
}

/** A logger that says nothing, for tests. */
export const silentLogger: Logger = pino({ level: 'silent' });
