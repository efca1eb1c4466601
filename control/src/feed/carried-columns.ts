import { carriedTables } from '@banyan/cdc/capture';
import { type Logger, messageOf, withDeadline } from '@banyan/kit';
import type { CarriedTable, TableFeed } from './ports.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import { outboxCarried } from './outbox-table.ts';

const DEADLINE_MS = 60_000;

/**
 * Says once, after the start, what may leave the database: the columns that slices map, whatever phase these are in, and
 * those of the outbox. A slice's mapping changes only with a start of ours. What is added while a slice has a copy makes
 * that copy anew, since `FeedContinuity` sees that it is of other columns.
 */
export class CarriedColumns {
  readonly #deps: { readonly feed: Pick<TableFeed, 'carryOnly'>; readonly log: Logger };
  readonly #tables: readonly CarriedTable[];
  #isDone = false;
  #problem: string | null = null;

  constructor(deps: {
    readonly feed: Pick<TableFeed, 'carryOnly'>;
    readonly slices: readonly ManagedSlice[];
    readonly outboxTable: string | undefined;
    readonly log: Logger;
  }) {
    this.#deps = deps;
    this.#tables = [
      ...carriedTables(deps.slices.map(({ definition }) => definition)),
      ...(deps.outboxTable === undefined ? [] : [outboxCarried(deps.outboxTable)]),
    ];
  }

  /** One look, for a loop. Does not throw: what stands in the way is said, once in the log, and tried again. */
  async look(signal: AbortSignal): Promise<void> {
    if (this.#isDone) return;
    try {
      await this.#deps.feed.carryOnly(this.#tables, withDeadline(signal, DEADLINE_MS));
      this.#isDone = true;
    } catch (error) {
      if (signal.aborted) return;
      const problem = messageOf(error);
      if (problem !== this.#problem) {
        this.#deps.log.error({ problem }, 'what the feed may carry was not said; tried again');
      }
      this.#problem = problem;
    }
  }
}
