import { setTimeout as delay } from 'node:timers/promises';

/** Work that is done again and again until it is closed. */
export interface Loop {
  /** Ends the current run by its signal and waits for it. Idempotent. */
  close(): Promise<void>;
}

/** Something that is done again and again. */
export interface Work {
  /** Time between the end of one run and the start of the next, milliseconds. */
  readonly intervalMs: number;
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** A failed run does not end the loop. */
  readonly onError: (error: unknown) => void;
}

/** Runs `run`, waits, runs it again. */
export function startLoop({ intervalMs, run, onError }: Work): Loop {
  const closing = new AbortController();
  const { signal } = closing;
  const isClosed = (): boolean => signal.aborted;
  const loop = async (): Promise<void> => {
    while (!isClosed()) {
      try {
        await run(signal);
      } catch (error) {
        if (!isClosed()) onError(error);
      }
      await delay(intervalMs, undefined, { signal }).catch(() => {
        // only the abort, which ends the loop
      });
    }
  };
  const ended = loop();
  return {
    close() {
      closing.abort();
      return ended;
    },
  };
}
