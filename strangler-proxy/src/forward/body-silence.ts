import type { IncomingMessage } from 'node:http';
import { DeadlineError } from './upstream-failure.ts';

/** Looks within the longest silence: it ends the body after that, and a quarter of it later at the latest. */
const LOOKS = 4;

/** True while bytes wait to be read, or whoever reads has paused. An iterator pauses, too, and listens all the same. */
const isHeldUp = (body: IncomingMessage): boolean =>
  body.readableLength > 0 || (body.isPaused() && body.listenerCount('readable') === 0);

/**
 * Breaks an answer's body off when the upstream falls silent within it. While nobody reads, it is not the upstream that
 * is silent.
 *
 * @param limitMs Longest silence.
 * @returns what ends the watch.
 */
export function watchBodySilence(body: IncomingMessage, limitMs: number): () => void {
  let seen = body.socket.bytesRead;
  let quietLooks = 0;
  const isQuiet = (): boolean => {
    const { bytesRead } = body.socket;
    const isSilent = bytesRead === seen && !isHeldUp(body);
    seen = bytesRead;
    return isSilent;
  };
  const timer = setInterval(() => {
    if (!isQuiet()) quietLooks = 0;
    else if (++quietLooks >= LOOKS) {
      // What has come while this process was busy is read first: its own slowness is not the upstream's.
      setImmediate(() => {
        if (!body.complete && isQuiet()) body.destroy(new DeadlineError('the answer stopped'));
        else quietLooks = 0;
      });
    }
  }, limitMs / LOOKS);
  return () => clearInterval(timer);
}
