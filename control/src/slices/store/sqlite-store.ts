import { gateResultSchema, type JournalEntry } from '@banyan/contracts';
import type { Knex } from 'knex';
import { z } from 'zod';
import { immediateTransaction, migrateSqlite, openSqliteFile } from '@banyan/cdc';
import { migrationSource } from '../../../../migrations/control/index.ts';
import type { SliceState } from '../domain/slice-state.ts';
import { EpochConflictError, type SliceStore, type Step, type StoredSlices } from './slice-store.ts';
import type { VerificationStore } from '../../verification/verification-store.ts';
import { createSqliteVerifications } from '../../verification/sqlite-verifications.ts';
import { storedStateSchema } from './stored-state.ts';

interface JournalRow {
  readonly id: number;
  readonly at_ms: number;
  readonly slice: string;
  readonly epoch: number;
  readonly by: string;
  readonly verb: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string | null;
  readonly evidence: string;
}

/** One row of the statement that reads slices and version together: they must be of one moment. */
interface StoredRow {
  readonly version: number;
  readonly state: string | null;
}

const RAISE_VERSION = 'UPDATE routes SET version = max(version + 1, ?) WHERE id = 1';
const evidenceSchema = z.array(gateResultSchema);

/**
 * Opens the control plane's store: one SQLite file (WAL, every commit on the disk before it counts). Several
 * processes may hold it; who steps on an older epoch is refused.
 *
 * @param options.file Path; created with its schema when missing. Its folder must exist.
 */
export async function openSqliteStore(options: {
  readonly file: string;
  readonly signal?: AbortSignal;
}): Promise<SliceStore & { readonly verifications: VerificationStore }> {
  const knex = await openSqliteFile(options);
  try {
    await migrateSqlite(knex, migrationSource);
    return new SqliteStore(knex);
  } catch (cause) {
    await knex.destroy();
    throw cause;
  }
}

class SqliteStore implements SliceStore {
  readonly verifications: VerificationStore;
  readonly #knex: Knex;

  constructor(knex: Knex) {
    this.#knex = knex;
    this.verifications = createSqliteVerifications(knex);
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
      const { by, verb, from, to, reason, evidence } = entry;
      const [row] = await run<{ id: number }>(
        `INSERT INTO journal (at_ms, slice, epoch, "by", verb, "from", "to", reason, evidence)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
        [atMs, next.name, next.epoch, by, verb, from, to, reason, JSON.stringify(evidence)],
      );
      if (!row) throw new Error('The journal gave no id.');
      return row.id;
    });
  }

  async journal(query: Parameters<SliceStore['journal']>[0]): Promise<readonly JournalEntry[]> {
    const { slice, afterId, limit } = query;
    const wanted = this.#knex<JournalRow>('journal').limit(limit);
    if (slice !== undefined) void wanted.where({ slice });
    const rows: JournalRow[] = await (afterId === undefined
      ? wanted.orderBy('id', 'desc')
      : wanted.where('id', '>', afterId).orderBy('id'));
    if (afterId === undefined) rows.reverse();
    return rows.map(toEntry);
  }

  async close(): Promise<void> {
    await this.#knex.destroy();
  }
}

function toEntry(row: JournalRow): JournalEntry {
  const { at_ms: atMs, evidence, ...rest } = row;
  return { ...rest, atMs, evidence: evidenceSchema.parse(JSON.parse(evidence)) };
}
