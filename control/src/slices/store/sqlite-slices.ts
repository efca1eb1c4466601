import type { JournalEntry } from '@banyan/contracts';
import type { Knex } from 'knex';
import { immediateTransaction } from '@banyan/kit/sqlite';
import type { JournalQuery } from '../../journal/journal-query.ts';
import { readEntries, writeEntry } from '../../journal/sqlite-journal.ts';
import type { SliceState } from '../domain/slice-state.ts';
import { EpochConflictError, type SliceStore, type Step, type StoredSlices } from './slice-store.ts';
import { storedStateSchema } from './stored-state.ts';

/** One row of the statement that reads slices and version together: they must be of one moment. */
interface StoredRow {
  readonly version: number;
  readonly state: string | null;
}

const RAISE_VERSION = 'UPDATE routes SET version = max(version + 1, ?) WHERE id = 1';
/** Slices' states, the routes' version and the journal, in the control plane's SQLite file. */
export class SqliteSlices implements SliceStore {
  readonly #knex: Knex;

  constructor(knex: Knex) {
    this.#knex = knex;
  }

  open(initial: readonly SliceState[], atMs: number, atLeastVersion = 0): Promise<void> {
    return immediateTransaction(this.#knex, async (run) => {
      for (const state of initial) {
        await run(
          'INSERT INTO slices (name, epoch, state, updated_at_ms) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING',
          [state.name, state.epoch, JSON.stringify(state), atMs],
        );
      }
      await run(RAISE_VERSION, [atLeastVersion]);
    });
  }

  async read(): Promise<StoredSlices> {
    const rows = await this.#knex.raw<StoredRow[]>(
      'SELECT routes.version, slices.state FROM routes LEFT JOIN slices ON true ORDER BY slices.name',
    );
    return {
      version: rows[0]?.version ?? 0,
      slices: rows.flatMap(({ state }) =>
        state === null ? [] : [storedStateSchema.parse(JSON.parse(state))],
      ),
    };
  }

  commit({ expectedEpoch, next, entry, atMs, atLeastVersion = 0 }: Step): Promise<number> {
    return immediateTransaction(this.#knex, async (run) => {
      // 1. The step counts only on the epoch that it was decided on.
      const moved = await run(
        'UPDATE slices SET epoch = ?, state = ?, updated_at_ms = ? WHERE name = ? AND epoch = ? RETURNING epoch',
        [next.epoch, JSON.stringify(next), atMs, next.name, expectedEpoch],
      );
      if (moved.length === 0) throw new EpochConflictError(next.name, expectedEpoch);
      // 2. Proxies take the routes only with a higher version.
      await run(RAISE_VERSION, [atLeastVersion]);
      // 3. Who, what, why.
      return await writeEntry(run, { ...entry, slice: next.name, epoch: next.epoch, atMs });
    });
  }

  journal(query: JournalQuery): Promise<readonly JournalEntry[]> {
    return readEntries(this.#knex, query);
  }

  async close(): Promise<void> {
    await this.#knex.destroy();
  }
}
