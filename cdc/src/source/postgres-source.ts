import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '@banyan/contracts';
import pg from 'pg';
import { decodeRow, quoteName, quoteTable, readTable, TypeCatalog, type CatalogTable } from './catalog.ts';
import { readKeyRange } from './key-range.ts';
import { readKeySorting } from './key-sorting.ts';
import { writeMessage } from './logical-message.ts';
import { readSortedPage, type SortedPage, type SortedRange } from './sorted-page.ts';
import { SourceDatabase } from './source-database.ts';
import { SourceTableError, type SourceTableProblem } from './source-table-error.ts';
import type { Lsn, SlotStatus, Source, SourceTable } from './source.ts';

export interface PostgresSourceOptions {
  /** URL of a role that owns the tables (or is a member of their owner) and the publication. */
  readonly url: string;
  readonly slot: string;
  readonly publication: string;
  /** Deadline of one statement. Default 15,000. */
  readonly statementTimeoutMs?: number;
}

/** How long one attempt waits for a table's writers, and all attempts together. */
const LOCK_TIMEOUT_MS = 300;
const LOCK_DEADLINE_MS = 20_000;
/** More than that are asked for in several requests: each travels through the WAL and the bus in one piece. */
const MAX_REREAD_KEYS = 10_000;

/** The embedded source: a PostgreSQL that our own reader follows. */
export function createPostgresSource(options: PostgresSourceOptions): Source {
  return new PostgresSource(options);
}

class PostgresSource implements Source {
  readonly #database: SourceDatabase;
  readonly #types = new TypeCatalog();
  readonly #slot: string;
  readonly #publication: string;

  constructor(options: PostgresSourceOptions) {
    const { url, slot, publication, statementTimeoutMs = 15_000 } = options;
    this.#database = new SourceDatabase({ url, name: 'banyan control', statementTimeoutMs });
    this.#slot = slot;
    this.#publication = publication;
  }

  async ensureTables(tables: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#describe(tables, signal);
    const published = await this.#published(signal);
    const deadline = Date.now() + LOCK_DEADLINE_MS;
    for (const table of tables.filter((name) => !published.has(name))) {
      while (!(await this.#addTable(table, signal))) {
        if (Date.now() > deadline) throw new SourceTableError([{ table, problem: 'in-use' }]);
        await sleep(LOCK_TIMEOUT_MS, undefined, { signal }); // lets those pass who queued behind our lock
      }
    }
  }

  async removeTables(tables: readonly string[], signal: AbortSignal): Promise<void> {
    const published = await this.#published(signal);
    const present = tables.filter((name) => published.has(name));
    if (present.length === 0) return;
    await this.#database.query(
      `ALTER PUBLICATION ${quoteName(this.#publication)} DROP TABLE ${present.map(quoteTable).join(', ')}`,
      [],
      signal,
    );
  }

  async describeTables(tables: readonly string[], signal: AbortSignal): Promise<readonly SourceTable[]> {
    const described = await this.#describe(tables, signal);
    return described.map(({ schema, table, key, columns, estimatedRows }) => ({
      name: `${schema}.${table}`,
      key,
      columns: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
      estimatedRows: estimatedRows ?? 0,
    }));
  }

  async requestTableSnapshot(tables: readonly string[], signal: AbortSignal): Promise<string> {
    return await this.#signal(
      'execute-snapshot',
      { 'data-collections': tables, type: 'INCREMENTAL' },
      signal,
    );
  }

  async stopTableSnapshots(tables: readonly string[], signal: AbortSignal): Promise<void> {
    if (tables.length === 0) return; // to the reader, no table would mean every table
    await this.#signal('stop-snapshot', { 'data-collections': tables, type: 'INCREMENTAL' }, signal);
  }

  async requestRowReread(
    table: string,
    keys: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<string> {
    if (keys.length === 0 || keys.length > MAX_REREAD_KEYS) {
      throw new RangeError(`A row re-read takes 1 to ${MAX_REREAD_KEYS} keys, got ${keys.length}.`);
    }
    return await this.#signal('banyan-reread-rows', { table, keys }, signal);
  }

  /** @returns the signal's id. */
  async #signal(type: string, data: unknown, signal: AbortSignal): Promise<string> {
    const id = randomUUID();
    await this.#database.query(
      'INSERT INTO banyan.signal (id, type, data) VALUES ($1, $2, $3)',
      [id, type, JSON.stringify(data)],
      signal,
    );
    return id;
  }

  async takePosition(signal: AbortSignal): Promise<Lsn> {
    return (await writeMessage(this.#database, null, signal)).lsn;
  }

  async slotStatus(signal: AbortSignal): Promise<SlotStatus> {
    const rows = await this.#database.query(
      `SELECT active, confirmed_flush_lsn, wal_status,
         pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8 AS retained
       FROM pg_catalog.pg_replication_slots WHERE slot_name = $1`,
      [this.#slot],
      signal,
    );
    const row = rows[0];
    return {
      exists: row !== undefined,
      active: row?.['active'] === 't',
      confirmedFlushLsn: row?.['confirmed_flush_lsn'] ?? null,
      retainedWalBytes: row?.['retained'] == null ? null : Number(row['retained']),
      walStatus: row?.['wal_status'] ?? null,
    };
  }

  async readRows(range: Parameters<Source['readRows']>[0], signal: AbortSignal): Promise<readonly Row[]> {
    return await this.#database.onConnection(async (ask) => {
      const table = await readTable(range.table, this.#types, ask);
      if (!table) throw new SourceTableError([{ table: range.table, problem: 'missing' }]);
      const wanted = new Set(range.columns);
      const columns = table.columns.filter(({ name }) => wanted.has(name));
      const texts = await readKeyRange(range, ask);
      return texts.map((row) => decodeRow(columns, row));
    }, signal);
  }

  async readPage(range: SortedRange, signal: AbortSignal): Promise<SortedPage> {
    return await this.#database.onConnection(async (ask) => {
      const table = await readTable(range.table, this.#types, ask);
      if (!table) throw new SourceTableError([{ table: range.table, problem: 'missing' }]);
      const wanted = new Set(range.columns);
      const columns = table.columns.filter(({ name }) => wanted.has(name));
      const sorting = await readKeySorting(range.table, range.key, ask);
      return await readSortedPage({ range, sorting, columns, ask });
    }, signal);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** @throws SourceTableError naming every table that the feed cannot carry. */
  async #describe(tables: readonly string[], signal: AbortSignal): Promise<readonly CatalogTable[]> {
    const problems: SourceTableProblem[] = [];
    const described: CatalogTable[] = [];
    await this.#database.onConnection(async (ask) => {
      for (const name of tables) {
        const table = await readTable(name, this.#types, ask);
        if (!table) problems.push({ table: name, problem: 'missing' });
        else if (table.key.length === 0) problems.push({ table: name, problem: 'no-primary-key' });
        else if (!['d', 'f'].includes(table.replicaIdentity)) {
          problems.push({ table: name, problem: 'replica-identity' });
        } else described.push(table);
      }
    }, signal);
    if (problems.length > 0) throw new SourceTableError(problems);
    return described;
  }

  async #published(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const rows = await this.#database.query(
      `SELECT schemaname || '.' || tablename AS name FROM pg_catalog.pg_publication_tables WHERE pubname = $1`,
      [this.#publication],
      signal,
    );
    return new Set(rows.map((row) => row['name'] ?? ''));
  }

  /**
   * Adds a table while nobody has an uncommitted change of it. Such a change would be in no feed: made before the
   * table was in the publication, and committed after a table snapshot could see it.
   *
   * @returns false when writers held the table; nobody is left waiting behind us for long.
   */
  async #addTable(table: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#database.transaction({ signal }, async (ask) => {
        await ask(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
        await ask(`LOCK TABLE ${quoteTable(table)} IN SHARE ROW EXCLUSIVE MODE`);
        await ask(`ALTER PUBLICATION ${quoteName(this.#publication)} ADD TABLE ${quoteTable(table)}`);
      });
      return true;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      if (error.code === '42710') return true; // somebody else has just added it
      if (error.code === '55P03' || error.code === '40P01') return false;
      throw error;
    }
  }
}
