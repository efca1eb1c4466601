import { readTable, type CatalogTable } from '../postgres/catalog.ts';
import { readCatalogMark, type CatalogMark } from './catalog-mark.ts';
import { FeedColumnSetting, type CarriedTable } from './feed-columns.ts';
import { FeedPublication } from './feed-publication.ts';
import { readKeyedRows } from './keyed-rows.ts';
import { readKeySorting } from '../postgres/key-sorting.ts';
import { writeMessage } from './logical-message.ts';
import { readNotNullColumns } from './not-null-columns.ts';
import { readOpenTransactions } from '../postgres/open-transactions.ts';
import { findUnfitOutbox } from './outbox-fitness.ts';
import { readSortedPage, type SortedPage, type SortedRange } from '../postgres/sorted-page.ts';
import { requestTableSnapshot, stopTableSnapshots } from './signal-table.ts';
import { SourceDatabase } from '../postgres/source-database.ts';
import { SourceTableError } from './source-table-error.ts';
import type {
  MonolithDatabase,
  KeyedRow,
  Lsn,
  UnfinishedTransaction,
  SlotStatus,
  UnwritableTable,
  WalRetention,
} from './monolith-database.ts';
import type { SourceTable, TableFeed } from './table-feed.ts';
import { findUnfitTables } from './table-fitness.ts';
import { TypeCatalog } from '../postgres/type-catalog.ts';
import { readUniqueKeys } from '../postgres/unique-keys.ts';
import { readWalRetention } from './wal-retention.ts';

/** A database that is asked itself, and whose tables our own reader carries. */
export interface PostgresSource extends MonolithDatabase, TableFeed {}

export interface PostgresSourceOptions {
  /** URL of a role that owns the tables (or is a member of their owner) and the publication. */
  readonly url: string;
  readonly slot: string;
  readonly publication: string;
  /** Deadline of one statement. Default 15,000. */
  readonly statementTimeoutMs?: number;
  /** `schema.table` of the outbox: it is described, and added to the feed, only with the columns of one. Default: none. */
  readonly outboxTable?: string | undefined;
}

/** How long rows that are read by their keys wait for transactions that write to their table. */
const WRITERS_TIMEOUT_MS = 10_000;

/** The embedded source: a PostgreSQL that our own reader follows. */
export function createPostgresSource(options: PostgresSourceOptions): PostgresSource {
  return new FollowedPostgres(options);
}

class FollowedPostgres implements PostgresSource {
  readonly #database: SourceDatabase;
  readonly #types = new TypeCatalog();
  readonly #slot: string;
  readonly #publication: FeedPublication;
  readonly #columns: FeedColumnSetting;
  readonly #outboxTable: string | undefined;

  constructor(options: PostgresSourceOptions) {
    const { url, slot, publication, statementTimeoutMs = 15_000 } = options;
    this.#database = new SourceDatabase({ url, name: 'banyan control', statementTimeoutMs });
    this.#slot = slot;
    this.#publication = new FeedPublication(this.#database, publication);
    this.#columns = new FeedColumnSetting(this.#database);
    this.#outboxTable = options.outboxTable;
  }

  async ensureTables(tables: readonly CarriedTable[], signal: AbortSignal): Promise<void> {
    const names = tables.map(({ name }) => name);
    await this.#publication.add(await this.#describe(names, signal), signal);
    // Of a table without columns nothing is told; from here on it is.
    await this.#columns.add(tables, signal);
  }

  async carryOnly(tables: readonly CarriedTable[], signal: AbortSignal): Promise<void> {
    await this.#columns.set(tables, signal);
  }

  async removeTables(tables: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#publication.remove(tables, signal);
    await this.#columns.remove(tables, signal);
  }

  removeUnwritable(signal: AbortSignal): Promise<readonly UnwritableTable[]> {
    return this.#publication.removeUnwritable(signal);
  }

  feedMembership(tables: readonly CarriedTable[], signal: AbortSignal): Promise<string> {
    return this.#publication.membership(tables, signal);
  }

  async describeTables(tables: readonly string[], signal: AbortSignal): Promise<readonly SourceTable[]> {
    const described = await this.#describe(tables, signal);
    const [notNull, uniqueKeys] = await this.#database.onConnection(
      async (ask) => [await readNotNullColumns(tables, ask), await readUniqueKeys(tables, ask)] as const,
      signal,
    );
    return described.map(({ schema, table, key, columns, estimatedRows }) => ({
      name: `${schema}.${table}`,
      key,
      notNull: notNull.get(`${schema}.${table}`) ?? [],
      uniqueKeys: uniqueKeys.get(`${schema}.${table}`) ?? [],
      columns: Object.fromEntries(columns.map(({ name, type }) => [name, type])),
      estimatedRows: estimatedRows ?? 0,
    }));
  }

  requestTableSnapshot(tables: readonly string[], signal: AbortSignal): Promise<string> {
    return requestTableSnapshot(this.#database, tables, signal);
  }

  stopTableSnapshots(tables: readonly string[], signal: AbortSignal): Promise<void> {
    return stopTableSnapshots(this.#database, tables, signal);
  }

  async readRows(
    question: Parameters<MonolithDatabase['readRows']>[0],
    signal: AbortSignal,
  ): Promise<readonly KeyedRow[]> {
    return await readKeyedRows({
      ...question,
      database: this.#database,
      types: this.#types,
      publication: this.#publication.name,
      writersTimeoutMs: WRITERS_TIMEOUT_MS,
      signal,
    });
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

  walRetention(signal: AbortSignal): Promise<WalRetention> {
    return readWalRetention(this.#database, signal);
  }

  catalogMark(
    columns: Readonly<Record<string, readonly string[]>>,
    signal: AbortSignal,
  ): Promise<CatalogMark> {
    // One snapshot of the catalogs: a rename is seen whole or not at all.
    const begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY';
    return this.#database.transaction({ begin, signal }, (ask) => readCatalogMark(columns, ask));
  }

  openTransactions(signal: AbortSignal): Promise<readonly UnfinishedTransaction[]> {
    return readOpenTransactions(this.#database, signal);
  }

  async readPage(range: SortedRange, signal: AbortSignal): Promise<SortedPage> {
    return await this.#database.onConnection(async (ask) => {
      const table = await readTable(range.table, this.#types, ask);
      if (!table) throw new SourceTableError([{ table: range.table, problem: 'missing' }]);
      const wanted = new Set(range.columns);
      const columns = table.columns.filter(({ name }) => wanted.has(name));
      const sorting = await readKeySorting(table, range.key, ask);
      return await readSortedPage({ range, table, sorting, columns, ask });
    }, signal);
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  /** @throws SourceTableError naming every table that the feed cannot carry, and why. */
  async #describe(tables: readonly string[], signal: AbortSignal): Promise<readonly CatalogTable[]> {
    return await this.#database.onConnection(async (ask) => {
      const problems = [...(await findUnfitTables(tables, ask))];
      const outbox = tables.find((name) => name === this.#outboxTable);
      if (outbox !== undefined) problems.push(...(await findUnfitOutbox(outbox, ask)));
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
}
