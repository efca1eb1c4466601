import type { Knex } from 'knex';
import { immediateTransaction, type RunSql } from '@banyan/kit/sqlite';
import { StoreError, type ApplyStore } from '../../apply-store.ts';
import {
  applyBatch,
  readBarrier,
  readHeldQueues,
  readHeldRecords,
  readProgress,
} from '../../consumer-tables.ts';
import { RowRejectedError } from '../../../rows/reduce.ts';
import { describeSqliteTable } from './sqlite-columns.ts';
import { createSqliteRangeReader } from './sqlite-range.ts';
import { writeTable } from './sqlite-rows.ts';
import { migrateApplyStore } from '../../store-schema.ts';

/** SQLite's verdicts on a row, as against its own troubles. */
const rowFaults = new Set(['SQLITE_CONSTRAINT', 'SQLITE_MISMATCH', 'SQLITE_TOOBIG']);

/** Rolls a rehearsal back. */
class Rehearsed extends Error {}

/**
 * A service's SQLite store as the consumer applies to it. Rows are upserted in the order of events, not parents
 * before children; foreign keys, where the connection enforces any, are checked at the end of each batch.
 *
 * @param options.knex The connection that writes.
 * @param options.reader Another connection to the same file for reports and verification, so that they do not wait
 * behind writes. Default: `knex`.
 */
export function createSqliteApplyStore(options: { readonly knex: Knex; readonly reader?: Knex }): ApplyStore {
  const { knex, reader = knex } = options;
  const ask: RunSql = async (sql, bindings = []) => (await reader.raw<unknown>(sql, bindings)) as never;
  const ranges = createSqliteRangeReader(reader);
  return {
    async load() {
      await cleanly(() => migrateApplyStore(knex));
      return await cleanly(() => readProgress(ask));
    },
    async apply(batch, { rehearse = false } = {}) {
      const work = async (run: RunSql): Promise<void> => {
        // Whatever the schema says of its foreign keys: the batch has to be right at its end, not row by row.
        await run('PRAGMA defer_foreign_keys = ON');
        await applyBatch(run, batch, async () => {
          for (const { table, change } of batch.tables) await writeTable(run, table, change);
        });
        if (rehearse) await refuseDangling(run);
        if (rehearse) throw new Rehearsed();
      };
      await cleanly(() => immediateTransaction(knex, work)).catch((error: unknown) => {
        if (!(error instanceof Rehearsed)) throw error;
      });
    },
    metBarrier: (id) => cleanly(() => readBarrier(ask, id)),
    heldQueues: ({ limit }) => cleanly(() => readHeldQueues(ask, limit)),
    heldRecords: (queue) => cleanly(() => readHeldRecords(ask, queue)),
    async describe(tables) {
      const described = await cleanly(() =>
        Promise.all(tables.map((table) => describeSqliteTable(ask, table))),
      );
      return { kind: 'sqlite', tables: described.filter((table) => table !== null) };
    },
    ranges: {
      page: (...question) => cleanly(() => ranges.page(...question)),
      text: (...question) => cleanly(async () => (await ranges.text?.(...question)) ?? null),
    },
  };
}

/** What COMMIT would refuse, which a rehearsal does not come to. */
async function refuseDangling(run: RunSql): Promise<void> {
  const [enforced] = await run<{ foreign_keys: number }>('PRAGMA foreign_keys');
  if (enforced?.foreign_keys !== 1) return;
  const dangling = await run('PRAGMA foreign_key_check');
  if (dangling.length > 0) throw new RowRejectedError('SQLITE_CONSTRAINT: FOREIGN KEY constraint failed');
}

/** knex puts the statement with its values into the message, and values may be personal: only SQLite's part stays. */
async function cleanly<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : '';
    if (!code.startsWith('SQLITE_')) throw cause;
    const text = String((cause as { message?: unknown }).message);
    const message = text.slice(Math.max(0, text.lastIndexOf(code)));
    throw rowFaults.has(code) ? new RowRejectedError(message) : new StoreError(code, message);
  }
}
