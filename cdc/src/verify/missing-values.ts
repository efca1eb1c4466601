import type { HeldQueueReport } from '@banyan/contracts';
import { Backoff } from '@banyan/kit';
import type { ServiceStore } from './service-client/copy.ts';
import type { RowReread } from './row-reread.ts';

/** Held keys looked at in one look. */
const MAX_KEYS = 1_000;
/** Without jitter: rows that came together are asked for together, in one statement. */
const RETRIES = { firstMs: 1_000, lastMs: 60_000, random: () => 1 };

interface Attempt {
  readonly backoff: Backoff;
  readonly nextAtMs: number;
}

export interface MissingValuesOptions {
  readonly rowReread: Pick<RowReread, 'readHeld'>;
  /** Milliseconds of a clock that only rises. Default `performance.now`. */
  readonly nowMs?: () => number;
}

/**
 * Makes up for values that the log left out. PostgreSQL's log does not carry a long value that a statement did not
 * change. A copy takes it from the row that it has; where it has none (the key is new, or the row came in the middle of
 * a table snapshot) the event is held. Here such rows are read again at the source, at a place on the topic where what
 * was read is what the stream has come to: the row then lets the held events go.
 *
 * One object a slice: it remembers what it has asked for, and asks more and more seldom for a row that keeps changing.
 */
export class MissingValues {
  readonly #options: MissingValuesOptions;
  #attempts = new Map<string, Attempt>();

  constructor(options: MissingValuesOptions) {
    this.#options = options;
  }

  /**
   * One look, for a loop.
   *
   * @param signal Ends it; what was asked for until then may still come.
   * @returns how many rows were read again.
   * @throws what the service, the source and `RowReread.readHeld` throw, and an error where the rows cannot be read. Then the events are held as before.
   */
  async look(copy: Pick<ServiceStore, 'quarantine'>, signal: AbortSignal): Promise<number> {
    const { queues } = await copy.quarantine(MAX_KEYS, signal);
    const due = this.#due(queues.filter(({ key, lacksValue }) => lacksValue && key !== null));
    let count = 0;
    for (const [table, keys] of due) {
      const problem = await this.#options.rowReread.readHeld(table, keys, signal);
      if (problem !== null) throw new Error(problem);
      count += keys.length;
    }
    return count;
  }

  /** Of each table the keys whose turn it is; what is held no longer is forgotten. */
  #due(lacking: readonly HeldQueueReport[]): Map<string, string[][]> {
    const nowMs = (this.#options.nowMs ?? (() => performance.now()))();
    const attempts = new Map<string, Attempt>();
    const due = new Map<string, string[][]>();
    for (const { table, key } of lacking) {
      if (key === null) continue;
      const id = JSON.stringify([table, ...key]);
      const last = this.#attempts.get(id);
      if (last && last.nextAtMs > nowMs) {
        attempts.set(id, last);
        continue;
      }
      const backoff = last?.backoff ?? new Backoff(RETRIES);
      attempts.set(id, { backoff, nextAtMs: nowMs + backoff.nextMs() });
      due.set(table, [...(due.get(table) ?? []), key]);
    }
    this.#attempts = attempts;
    return due;
  }
}
