import type { Knex } from 'knex';
import { SESSION_SETTINGS } from '../../../rows/session-settings.ts';
import type { RunSql } from '@banyan/kit/sqlite';
import { StoreError, type ApplyStore } from '../../apply-store.ts';
import {
  applyBatch,
  readBarrier,
  readHeldQueues,
  readHeldRecords,
  readProgress,
} from '../../consumer-tables.ts';
import type { CompiledTable } from '../../../rows/mapping.ts';
import { describePostgresTable, readPostgresColumns, type RunPostgres } from './postgres-columns.ts';
import { readPostgresPage } from './postgres-range.ts';
import { writePostgresTable, type ColumnsByName } from './postgres-rows.ts';
import { migratePostgresApplyStore } from './postgres-store-schema.ts';
import { RowRejectedError } from '../../../rows/reduce.ts';

/** Deadline of one statement, and of a wait for another's lock, milliseconds. */
const STATEMENT_TIMEOUT_MS = 60_000;
const LOCK_TIMEOUT_MS = 10_000;

/** Rolls a rehearsal back. */
class Rehearsed extends Error {}

/**
 * A service's PostgreSQL store as the consumer applies to it. Tables are found by the connections' search path. Foreign
 * keys that are deferrable are checked at the end of each batch, others row by row.
 *
 * @param options.knex Of client `pg`. One connection applies; reports and verification take others of its pool.
 * @example
 * createPostgresApplyStore({ knex: createKnex({ client: 'pg', connection: storeUrl }) })
 */
export function createPostgresApplyStore(options: { readonly knex: Knex }): ApplyStore {
  const { knex } = options;
  /** Columns of targets, as last seen; seen anew after every failure, which may come from a changed schema. */
  const known = new Map<string, ColumnsByName>();

  async function columnsOf(run: RunPostgres, table: CompiledTable): Promise<ColumnsByName> {
    const seen = known.get(table.target);
    if (seen) return seen;
    const columns = await readPostgresColumns(run, table.target);
    const byName = new Map(columns.map((column) => [column.name, column]));
    if (columns.length > 0) known.set(table.target, byName);
    return byName;
  }

  async function inTransaction<T>(work: (run: RunPostgres) => Promise<T>): Promise<T> {
    try {
      return await knex.transaction(async (transaction) => {
        const run: RunPostgres = async (sql, bindings = []) => await transaction.raw(sql, bindings);
        await run(`SELECT set_config('statement_timeout', ?, true), set_config('lock_timeout', ?, true)`, [
          String(STATEMENT_TIMEOUT_MS),
          String(LOCK_TIMEOUT_MS),
        ]);
        return await work(run);
      });
    } catch (cause) {
      if (cause instanceof Rehearsed) throw cause;
      known.clear();
      throw cleaned(cause);
    }
  }

  /** Reads under the settings by which the source prints its values. */
  const reading = <T>(work: (run: RunPostgres) => Promise<T>): Promise<T> =>
    inTransaction(async (run) => {
      await run(`SET TRANSACTION READ ONLY`);
      for (const setting of SESSION_SETTINGS) {
        const [name = '', value = ''] = setting.split('=');
        await run('SELECT set_config(?, ?, true)', [name, value]);
      }
      return await work(run);
    });
  const ask = <T>(work: (run: RunSql) => Promise<T>): Promise<T> => inTransaction((run) => work(rowsOf(run)));

  return {
    async load() {
      await migratePostgresApplyStore(knex).catch((cause: unknown) => {
        throw cleaned(cause);
      });
      return await ask(readProgress);
    },
    async apply(batch, { rehearse = false } = {}) {
      const work = async (run: RunPostgres): Promise<void> => {
        await run('SET CONSTRAINTS ALL DEFERRED');
        await applyBatch(rowsOf(run), batch, async () => {
          for (const { table, change } of batch.tables) {
            await writePostgresTable({ run, table, change, columns: await columnsOf(run, table) });
          }
        });
        if (!rehearse) return;
        await run('SET CONSTRAINTS ALL IMMEDIATE'); // what COMMIT would refuse
        throw new Rehearsed();
      };
      await inTransaction(work).catch((error: unknown) => {
        if (!(error instanceof Rehearsed)) throw error;
      });
    },
    metBarrier: (id) => ask((run) => readBarrier(run, id)),
    heldQueues: ({ limit }) => ask((run) => readHeldQueues(run, limit)),
    heldRecords: (queue) => ask((run) => readHeldRecords(run, queue)),
    async describe(tables) {
      return await inTransaction(async (run) => {
        const described = [];
        for (const table of tables) described.push(await describePostgresTable(run, table));
        return { kind: 'postgresql', tables: described.filter((table) => table !== null) };
      });
    },
    ranges: {
      page: (table, range, limit) =>
        reading(async (run) =>
          readPostgresPage({ run, table, range, limit, columns: await columnsOf(run, table) }),
        ),
    },
  };
}

function rowsOf(run: RunPostgres): RunSql {
  return async <R>(sql: string, bindings: readonly unknown[] = []) => [
    ...(await run<R>(sql, bindings as readonly string[])).rows,
  ];
}

/**
 * SQLSTATE classes and codes that are verdicts on a row, as against PostgreSQL's own troubles: data exceptions, broken
 * constraints, a view's check, an exception that a trigger raised, a value beyond a limit of an index.
 */
const rowFaults = ['22', '23', '44', 'P0001', '54000'];

/** SQLSTATE, or Node's code of a lost connection; our own errors have other codes. */
const foreignCode = /^[0-9A-Z]{5}$|^E[A-Z]+$/;

/** knex puts the statement into the message, and PostgreSQL's quotes values: only names and the code stay. */
function cleaned(cause: unknown): unknown {
  const { code, constraint, column, table, message } = cause as Readonly<Record<string, unknown>>;
  if (typeof code !== 'string' || !foreignCode.test(code)) return cause;
  if (rowFaults.some((fault) => code.startsWith(fault))) {
    const what =
      faults[code] ?? (code.startsWith('22') ? 'a value does not fit its column' : 'a constraint refuses it');
    const about = Object.entries({ table, column, constraint }).flatMap(([kind, name]) =>
      typeof name === 'string' ? [`${kind} ${name}`] : [],
    );
    return new RowRejectedError(`${code}: ${[what, ...about].join(', ')}`);
  }
  // Messages of the other classes tell of tables, roles, hosts and resources, behind the statement that knex puts first.
  const text = String(message);
  return new StoreError(code, `${code}: ${text.slice(text.lastIndexOf(' - ') + 1).replace(/^- /, '')}`);
}

const faults: Readonly<Record<string, string>> = {
  '22001': 'a text is too long',
  '22003': 'a number is out of range',
  '22P02': 'a text is not of the type',
  '23502': 'null in a column that is NOT NULL',
  '23503': 'a foreign key without its row',
  '23505': 'a value that has to be unique is there already',
  '23514': 'a CHECK refuses it',
  P0001: 'a trigger refuses it',
};
