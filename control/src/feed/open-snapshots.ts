import { setTimeout as delay } from 'node:timers/promises';
import { withDeadline } from '@banyan/kit';
import type { TableFeed, TableSnapshots } from './ports.ts';

const STOP_DEADLINE_MS = 10_000;
/** A table snapshot that went away with an earlier feed is never told to have ended. */
const END_DEADLINE_MS = 10_000;
const END_POLL_MS = 50;

/** Table snapshots that nobody waits for any more. */
export class OpenSnapshots {
  readonly #feed: Pick<TableFeed, 'stopTableSnapshots'>;
  readonly #snapshots: Pick<TableSnapshots, 'open'>;
  /** Those whose end was waited for in vain. */
  readonly #forgotten = new Set<string>();

  constructor(deps: {
    readonly feed: Pick<TableFeed, 'stopTableSnapshots'>;
    readonly tableSnapshots: Pick<TableSnapshots, 'open'>;
  }) {
    this.#feed = deps.feed;
    this.#snapshots = deps.tableSnapshots;
  }

  /** Stops those of these tables, and waits until they have ended. */
  async end(tables: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#feed.stopTableSnapshots(tables, withDeadline(signal, STOP_DEADLINE_MS));
    const deadlineMs = performance.now() + END_DEADLINE_MS;
    while (this.#openOf(tables).length > 0 && performance.now() < deadlineMs) {
      await delay(END_POLL_MS, undefined, { signal });
    }
    for (const id of this.#openOf(tables)) this.#forgotten.add(id);
  }

  #openOf(tables: readonly string[]): string[] {
    return this.#snapshots
      .open()
      .filter((each) => each.tables.some((table) => tables.includes(table)))
      .flatMap(({ id }) => (this.#forgotten.has(id) ? [] : [id]));
  }
}
