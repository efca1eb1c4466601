import type { Logger } from './log.ts';

/** Something that was started and can be stopped; stopping twice is stopping once. */
export interface Closable {
  close(): Promise<void>;
}

/** What a process of ours writes is for its own account: rows of customers, tokens, journals. */
const OURS_ALONE = 0o077;

/**
 * Runs a process's `start`, and closes what it returns at SIGTERM or SIGINT, or when the supervisor that holds the
 * other end of our IPC channel is gone. What it writes is readable by its own account alone (umask 077). Exits 1 when starting fails or closing takes more than `closeTimeoutMs`.
 *
 * @param options.closeTimeoutMs Default 10,000.
 */
export async function runProcess(options: {
  readonly log: Logger;
  readonly start: () => Promise<Closable>;
  readonly closeTimeoutMs?: number;
}): Promise<void> {
  const { log, start, closeTimeoutMs = 10_000 } = options;
  process.umask(OURS_ALONE);
  const starting = start();
  let closing = false;
  const stop = (why: string): void => {
    if (closing) return;
    closing = true;
    log.info({ why }, 'stopping');
    setTimeout(() => {
      log.error({ closeTimeoutMs }, 'did not stop in time');
      process.exit(1);
    }, closeTimeoutMs).unref();
    starting
      .then((running) => running.close())
      .then(
        () => process.exit(0),
        (error: unknown) => {
          log.error({ err: error }, 'stopped with an error');
          process.exit(1);
        },
      );
  };
  // Before it has started as well: what is half open is closed in order.
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('disconnect', () => stop('the supervisor is gone'));
  try {
    await starting;
  } catch (error) {
    log.fatal({ err: error }, 'cannot start');
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
  // Tells a supervisor that forked us that requests are welcome now.
  process.send?.({ kind: 'ready' });
}
