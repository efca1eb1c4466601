import type { Logger } from './log.ts';

/** Something that was started and can be stopped; stopping twice is stopping once. */
export interface Closable {
  close(): Promise<void>;
}

/** What a process of ours writes is for its own account: rows of customers, tokens, journals. */
const OURS_ALONE = 0o077;
/** A whole process, as `runProcess` runs it. */
export interface Running extends Closable {
  /** How long `close()` may take, milliseconds. Default 10,000. */
  readonly closeTimeoutMs?: number;
}

const CLOSE_TIMEOUT_MS = 10_000;

/** What a supervisor asks over the IPC channel, and what it is answered: whether the event loop still turns. */
export const PING = { kind: 'ping' } as const;
export const PONG = { kind: 'pong' } as const;

/** Says something to a supervisor that forked us. */
function tell(message: { readonly kind: string }): void {
  // One that has gone meanwhile needs no answer: 'disconnect' sees to the rest.
  process.send?.(message, undefined, undefined, () => undefined);
}

/**
 * Runs a process's `start`, and closes what it returns at SIGTERM or SIGINT, or when the supervisor that holds the
 * other end of our IPC channel is gone. What it writes is readable by its own account alone (umask 077). Exits 1 when
 * starting fails or closing takes more than its `closeTimeoutMs`. Answers the supervisor's pings.
 */
export async function runProcess(options: {
  readonly log: Logger;
  readonly start: () => Promise<Running>;
}): Promise<void> {
  const { log, start } = options;
  process.umask(OURS_ALONE);
  let closeTimeoutMs = CLOSE_TIMEOUT_MS;
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
  process.on('message', (message: unknown) => {
    if (typeof message === 'object' && message && 'kind' in message && message.kind === PING.kind) tell(PONG);
  });
  try {
    closeTimeoutMs = (await starting).closeTimeoutMs ?? CLOSE_TIMEOUT_MS;
  } catch (error) {
    log.fatal({ err: error }, 'cannot start');
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
  // Tells a supervisor that forked us that requests are welcome now.
  tell({ kind: 'ready' });
}
