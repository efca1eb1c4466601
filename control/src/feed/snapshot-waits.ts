import { withDeadline } from '@banyan/kit';
import { completeCopyOf, copyOf, type SliceState } from '../slices/domain/slice-state.ts';
import type { Clock } from '../clock.ts';
import type { UnfinishedTransaction, MonolithDatabase, TableSnapshots } from './ports.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';

const DEADLINE_MS = 5_000;
/** A copy that has not moved for so long is said to wait. A transaction younger than that is not what it waits for. */
export const STANDS_STILL_MS = 5_000;

export interface SnapshotWaitsDeps {
  readonly database: Pick<MonolithDatabase, 'openTransactions'>;
  readonly tableSnapshots: TableSnapshots;
  readonly clock: Clock;
}

interface Look {
  /** Where the copy was. */
  readonly at: string;
  readonly sinceMs: number;
  readonly waitsFor: readonly UnfinishedTransaction[];
}

/**
 * Finds what a copy that stands still waits for: a table joins the feed after those who write to it, a slot is made after
 * everybody who writes anywhere on the server, and rows that were read count only once everything that may have been
 * streamed before can be seen.
 */
export class SnapshotWaits {
  readonly #deps: SnapshotWaitsDeps;
  readonly #looks = new Map<string, Look>();

  constructor(deps: SnapshotWaitsDeps) {
    this.#deps = deps;
  }

  /** Empty while the copy goes on, or nothing is open. */
  of(name: string): readonly UnfinishedTransaction[] {
    return this.#looks.get(name)?.waitsFor ?? [];
  }

  /** One look, for a loop. Does not throw: what cannot be asked is not known. */
  async look(slice: ManagedSlice, state: SliceState, signal: AbortSignal): Promise<void> {
    const { database, tableSnapshots, clock } = this.#deps;
    const copy = copyOf(state);
    if (!copy || completeCopyOf(state)) {
      this.#looks.delete(slice.name);
      return;
    }
    const nowMs = clock.nowMs();
    const at = JSON.stringify([copy, slice.tables.map((table) => tableSnapshots.progress(table))]);
    const before = this.#looks.get(slice.name);
    const sinceMs = before?.at === at ? before.sinceMs : nowMs;
    const stillMs = nowMs - sinceMs;
    this.#looks.set(slice.name, { at, sinceMs, waitsFor: stillMs === 0 ? [] : (before?.waitsFor ?? []) });
    if (stillMs < STANDS_STILL_MS) return;
    const open = await database.openTransactions(withDeadline(signal, DEADLINE_MS)).catch(() => []);
    const waitsFor = open.filter(({ ageMs }) => ageMs === null || ageMs >= STANDS_STILL_MS);
    this.#looks.set(slice.name, { at, sinceMs, waitsFor });
  }
}
