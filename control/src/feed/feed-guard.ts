import { type Logger, messageOf, withDeadline } from '@banyan/kit';
import type { MonolithDatabase } from './ports.ts';

/** Longer than the source itself tries to get between the writers of busy tables. */
const DEADLINE_MS = 60_000;

export interface FeedGuardDeps {
  readonly database: Pick<MonolithDatabase, 'removeUnwritable'>;
  readonly log: Logger;
}

/**
 * Keeps the feed from standing in the way of the monolith: a table that it could no longer write to leaves the feed. Its
 * slice sees that like any table that left, and says why it cannot come back.
 */
export class FeedGuard {
  readonly #deps: FeedGuardDeps;
  #trouble: string | null = null;

  constructor(deps: FeedGuardDeps) {
    this.#deps = deps;
  }

  /** One look, for a loop. Does not throw: what cannot be looked at is said once, and tried again. */
  async look(signal: AbortSignal): Promise<void> {
    const { database, log } = this.#deps;
    try {
      for (const { table, reason } of await database.removeUnwritable(withDeadline(signal, DEADLINE_MS))) {
        log.error(
          { table, reason },
          'the monolith could not update or delete rows of this table while it is in the feed: it was taken out',
        );
      }
      this.#trouble = null;
    } catch (error) {
      if (signal.aborted) return;
      const trouble = messageOf(error);
      if (trouble !== this.#trouble)
        log.warn({ err: error }, 'the tables of the feed could not be looked at');
      this.#trouble = trouble;
    }
  }
}
