import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { readTable, type CatalogTable } from './catalog.ts';
import { readKeySorting } from './key-sorting.ts';
import { writeMessage } from './logical-message.ts';
import {
  PUBLICATION_OPTIONS,
  PublicationError,
  readPublication,
  type Publication,
  type PublishedTable,
} from './publication.ts';
import { SIGNAL_TABLE } from './signal-table.ts';
import { readNotNullColumns } from './not-null-columns.ts';
import { readSortedPage, type SortedPage, type SortedRange } from './sorted-page.ts';
import { SourceDatabase } from './source-database.ts';
import { SourceTableError } from './source-table-error.ts';
import type { Lsn, SlotStatus, Source, SourceTable } from './source.ts';
import { findUnfitTables } from './table-fitness.ts';
import { quoteName, quoteParts, quoteTable } from './table-name.ts';
import { TypeCatalog } from './type-catalog.ts';

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
    const described = await this.#describe(tables, signal);
    const published = await this.#published(signal);
    const narrowed = published.tables.filter((table) => table.narrowed && tables.includes(table.name));
    if (narrowed.length > 0) throw narrowedError(this.#publication, narrowed);
    if (!published.viaRoot && described.some((table) => table.partitioned)) {
      await this.#alterPublication(`SET (${PUBLICATION_OPTIONS})`, signal);
    }
    const present = new Set(published.tables.map(({ name }) => name));
    const deadline = Date.now() + LOCK_DEADLINE_MS;
    for (const table of described.filter(({ schema, table }) => !present.has(`${schema}.${table}`))) {
      while (!(await this.#addTable(table, signal))) {
        if (Date.now() > deadline) {
          throw new SourceTableError([{ table: `${table.schema}.${table.table}`, problem: 'in-use' }]);
        }
        await sleep(LOCK_TIMEOUT_MS, undefined, { signal }); // lets those pass who queued behind our lock
      }
    }
  }

  async removeTables(tables: readonly string[], signal: AbortSignal): Promise<void> {
    const published = await this.#database.onConnection(
      (ask) => readPublication(this.#publication, ask),
      signal,
    );
    const present = (published?.tables ?? []).filter(
      ({ name }) => tables.includes(name) && name !== SIGNAL_TABLE,
    );
    if (present.length === 0) return;
    await this.#alterPublication(`DROP TABLE ${present.map(onlyTable).join(', ')}`, signal);
  }

  async feedMembership(tables: readonly string[], signal: AbortSignal): Promise<string> {
    // The OIDs of the table and of its row in the publication are never given again.
    const rows = await this.#database.query(
      `SELECT t.schemaname || '.' || t.tablename AS name, c.oid AS table_id, r.oid AS member_id
       FROM pg_catalog.pg_publication_tables t
       JOIN pg_catalog.pg_publication p ON p.pubname = t.pubname
       JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
       JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
       LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
       WHERE t.pubname = $1`,
      [this.#publication],
      signal,
    );
    const members = new Map(
      rows.map((row) => [row['name'] ?? '', `${row['table_id']}/${row['member_id'] ?? '*'}`]),
    );
    return tables
      .toSorted()
      .map((table) => `${table}=${members.get(table) ?? 'absent'}`)
      .join(' ');
  }

  async describeTables(tables: readonly string[], signal: AbortSignal): Promise<readonly SourceTable[]> {
    const described = await this.#describe(tables, signal);
    const notNull = await this.#database.onConnection((ask) => readNotNullColumns(tables, ask), signal);
    return described.map(({ schema, table, key, columns, estimatedRows }) => ({
      name: `${schema}.${table}`,
      key,
      notNull: notNull.get(`${schema}.${table}`) ?? [],
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

  /** @throws SourceTableError naming every table that the feed cannot carry, and why. */
  async #describe(tables: readonly string[], signal: AbortSignal): Promise<readonly CatalogTable[]> {
    return await this.#database.onConnection(async (ask) => {
      const problems = await findUnfitTables(tables, ask);
      if (problems.length > 0) throw new SourceTableError(problems);
      const described: CatalogTable[] = [];
      for (const name of tables) {
        const table = await readTable(name, this.#types, ask);
        if (!table) throw new SourceTableError([{ table: name, problem: 'missing' }]); // dropped just now
        described.push(table);
      }
      return described;
    }, signal);
  }

  /** @throws PublicationError when it is missing, or not fit for a feed. */
  async #published(signal: AbortSignal): Promise<Publication> {
    const publication = await this.#database.onConnection(
      (ask) => readPublication(this.#publication, ask),
      signal,
    );
    if (publication) return publication;
    throw new PublicationError(
      `The publication "${this.#publication}" does not exist: the reader makes it when it first starts. Start the reader.`,
    );
  }

  async #alterPublication(change: string, signal: AbortSignal): Promise<void> {
    await this.#database.query(`ALTER PUBLICATION ${quoteName(this.#publication)} ${change}`, [], signal);
  }

  /**
   * Adds a table while nobody has an uncommitted change of it. Such a change would be in no feed: made before the
   * table was in the publication, and committed after a table snapshot could see it.
   *
   * @returns false when writers held the table; nobody is left waiting behind us for long.
   */
  async #addTable(table: CatalogTable, signal: AbortSignal): Promise<boolean> {
    const only = table.partitioned ? '' : 'ONLY ';
    try {
      await this.#database.transaction({ signal }, async (ask) => {
        await ask(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
        // Of a partitioned table this locks the partitions too: their writers need not come through the root.
        await ask(`LOCK TABLE ${only}${quoteParts(table)} IN SHARE ROW EXCLUSIVE MODE`);
        await ask(`ALTER PUBLICATION ${quoteName(this.#publication)} ADD TABLE ${only}${quoteParts(table)}`);
      });
      return true;
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      if (error.code === '42710') return true; // somebody else has just added it
      if (error.code === '42501') throw notOwnerError(table, error);
      if (error.code === '55P03' || error.code === '40P01') return false;
      throw error;
    }
  }
}

/** A table as ALTER PUBLICATION names it: without those that inherit from it, which are tables of their own. */
function onlyTable({ name, partitioned }: PublishedTable): string {
  return `${partitioned ? '' : 'ONLY '}${quoteTable(name)}`;
}

function notOwnerError({ schema, table }: CatalogTable, error: pg.DatabaseError): SourceTableError {
  return new SourceTableError([
    {
      table: `${schema}.${table}`,
      problem: 'not-owner',
      found: error.message,
      remedy:
        "GRANT the owner's role TO the role of SOURCE_URL, or add the table to the publication as its owner",
    },
  ]);
}

function narrowedError(publication: string, tables: readonly PublishedTable[]): SourceTableError {
  return new SourceTableError(
    tables.map(({ name }) => ({
      table: name,
      problem: 'narrowed',
      remedy: `ALTER PUBLICATION ${quoteName(publication)} DROP TABLE ${quoteTable(name)}; and ask again`,
    })),
  );
}
