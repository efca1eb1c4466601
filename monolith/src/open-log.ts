import { pino, type DestinationStream } from 'pino';

/** Lines kept for a log that cannot be written at the moment, bytes; what comes beyond is lost. */
const MOST_WAITING_BYTES = 64_000;

/** Where log lines go. A full disk costs lines of the log, never the shop. @param fd file descriptor */
export function openLog(fd: number): DestinationStream {
  const log = pino.destination({ fd, sync: true, maxLength: MOST_WAITING_BYTES });
  log.on('error', () => undefined); // nowhere else to say it; lines that wait come with the next one
  return log;
}
