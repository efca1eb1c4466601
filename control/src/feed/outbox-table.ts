import type { OutboxStatus } from '@banyan/contracts';
import { type Logger, messageOf, withDeadline } from '@banyan/kit';
import { OUTBOX_COLUMNS } from '@banyan/cdc/capture';
import type { CarriedTable, MonolithDatabase, TableFeed } from './ports.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import { RefusedError } from '../slices/refused-error.ts';

/** A source may have to make its connector first, and waits for writers of the table. */
const DEADLINE_MS = 60_000;

export interface OutboxTableDeps {
  readonly database: Pick<MonolithDatabase, 'feedMembership'>;
  readonly feed: Pick<TableFeed, 'ensureTables' | 'removeTables'>;
  /** `schema.table`. */
  readonly table: string;
  readonly slices: readonly ManagedSlice[];
  readonly log: Logger;
}

/** What events are made of. */
export function outboxCarried(table: string): CarriedTable {
  return { name: table, columns: OUTBOX_COLUMNS };
}

/** Keeps the outbox table in the feed: from the start, and again after the feed restarted. */
export class OutboxTable {
  readonly #deps: OutboxTableDeps;
  /** What the feed said of it once it was in. */
  #membership: string | null = null;
  #problem: string | null = 'it is not in the feed yet';

  /** @throws Error when a slice copies the table: of rows that become events a copy would get none. */
  constructor(deps: OutboxTableDeps) {
    this.#deps = deps;
    const copying = deps.slices.filter(({ tables }) => tables.includes(deps.table)).map(({ name }) => name);
    if (copying.length > 0) {
      throw new Error(
        `${deps.table} is the outbox (OUTBOX_TABLE), and a table of the slice ${copying.join(', ')}: ` +
          'its rows become events, so that no copy of them can be made. Take it out of one of the two.',
      );
    }
  }

  status(): OutboxStatus {
    return { table: this.#deps.table, problem: this.#problem };
  }

  /**
   * Lets a table that was taken out for an event too large be asked for again, and asks.
   *
   * @returns its status then: what still keeps it out, if anything does.
   * @throws RefusedError while it is in the feed: taking it out would lose events. Whatever the source throws.
   */
  async readmit(
    order: { readonly by: string; readonly reason: string },
    signal: AbortSignal,
  ): Promise<OutboxStatus> {
    const { database, feed, table, log } = this.#deps;
    const deadline = withDeadline(signal, DEADLINE_MS);
    const membership = await database.feedMembership([outboxCarried(table)], deadline);
    if (!membership.endsWith(`${table}=absent`)) {
      throw new RefusedError(`${table} is in the feed.`, {
        code: 'outbox-in-feed',
        reasons: ['events would be lost if it were taken out and put in again; nothing was done'],
        nextSteps: ['banyan status'],
      });
    }
    log.warn({ table, ...order }, 'the outbox is asked for again');
    // The source forgets why it is out.
    await feed.removeTables([table], deadline);
    await this.look(signal);
    return this.status();
  }

  /** One look, for a loop. Does not throw: what stands in the way is said, once in the log, and tried again. */
  async look(signal: AbortSignal): Promise<void> {
    const { database, feed, table, log } = this.#deps;
    const deadline = withDeadline(signal, DEADLINE_MS);
    try {
      const carried = [outboxCarried(table)];
      if ((await database.feedMembership(carried, deadline)) === this.#membership) return;
      await feed.ensureTables(carried, deadline);
      this.#membership = await database.feedMembership(carried, deadline);
      this.#problem = null;
      log.info({ table }, 'the outbox is in the feed');
    } catch (error) {
      if (signal.aborted) return;
      const problem = messageOf(error).replaceAll(/\n\s*-?\s*/g, ' ');
      if (problem !== this.#problem)
        log.error({ table, problem }, 'the outbox is not in the feed; tried again');
      this.#problem = problem;
    }
  }
}
