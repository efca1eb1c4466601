import { setTimeout as sleep } from 'node:timers/promises';
import { tableTopic } from '@banyan/contracts';
import pg from 'pg';
import { fromTable, type CatalogTable } from '../postgres/catalog.ts';
import { FEED_COLUMN_TABLE, keptNames, type CarriedTable } from './feed-columns.ts';
import {
  PUBLICATION_OPTIONS,
  PublicationError,
  readPublication,
  type Publication,
  type PublishedTable,
} from './publication.ts';
import { SIGNAL_TABLE } from './signal-table.ts';
import type { AskDatabase, SourceDatabase, TextRow } from '../postgres/source-database.ts';
import { hasSqlState } from '../postgres/sql-state.ts';
import { SourceTableError, type SourceTableProblem } from './source-table-error.ts';
import { PUBLICATION_MEMBER, type UnwritableTable } from './monolith-database.ts';
import { quoteName, type TableName } from '../../rows/table-name.ts';
import { readWriteConditions } from './write-conditions.ts';
import { tryWrites } from './write-trial.ts';

/**
 * How long one attempt waits for a table's lock: whoever comes behind us waits as long, and may have a lock_timeout of
 * its own. So it begins short, and grows only while that is not enough.
 */
const FIRST_LOCK_TIMEOUT_MS = 10;
const LAST_LOCK_TIMEOUT_MS = 300;
/** All attempts together. */
const LOCK_DEADLINE_MS = 20_000;

type PublishedRelation = TableName & { readonly partitioned: boolean };

/** The tables that a feed carries: those of its publication, which the reader makes. */
export class FeedPublication {
  readonly #database: SourceDatabase;
  /** Conditions, as last read, under which writes of a table were tried and worked. */
  readonly #writableUnder = new Map<string, string>();
  readonly name: string;

  constructor(database: SourceDatabase, name: string) {
    this.#database = database;
    this.name = name;
  }

  /** Adds tables that are fit for it. @throws SourceTableError, PublicationError as `TableFeed.ensureTables`. */
  async add(tables: readonly CatalogTable[], signal: AbortSignal): Promise<void> {
    const published = await this.#read(signal);
    const asked = new Set(tables.map(nameOf));
    const narrowed = published.tables.filter((table) => table.narrowed && asked.has(nameOf(table)));
    if (narrowed.length > 0) throw this.#narrowedError(narrowed);
    refuseSharedTopics([...published.tables.map(nameOf), ...asked]);
    if (!published.viaRoot && tables.some((table) => table.partitioned)) {
      await this.#alter(`SET (${PUBLICATION_OPTIONS})`, signal);
    }
    const present = new Set(published.tables.map(nameOf));
    const deadlineMs = Date.now() + LOCK_DEADLINE_MS;
    for (const table of tables.filter((each) => !present.has(nameOf(each)))) {
      await this.#untilLocked({ table, deadlineMs, signal }, (ask) => this.#addOne(table, ask));
    }
  }

  /** Takes out those that are in it; never the signal table. */
  async remove(names: readonly string[], signal: AbortSignal): Promise<void> {
    const published = await this.#database.onConnection((ask) => readPublication(this.name, ask), signal);
    for (const table of published?.tables ?? []) {
      if (!names.includes(nameOf(table)) || nameOf(table) === SIGNAL_TABLE) continue;
      const deadlineMs = Date.now() + LOCK_DEADLINE_MS;
      await this.#untilLocked({ table, deadlineMs, signal }, async (ask) => {
        await ask(`ALTER PUBLICATION ${quoteName(this.name)} DROP TABLE ${fromTable(table)}`);
      });
    }
  }

  /** See `MonolithDatabase.removeUnwritable`. */
  async removeUnwritable(signal: AbortSignal): Promise<readonly UnwritableTable[]> {
    const published = await this.#database.onConnection((ask) => readWriteConditions(this.name, ask), signal);
    const removed: UnwritableTable[] = [];
    for (const { conditions, ...table } of published) {
      const name = nameOf(table);
      if (name === SIGNAL_TABLE || this.#writableUnder.get(name) === conditions) continue;
      const reason = await this.#tryWrites(table, signal);
      if (reason === null) this.#writableUnder.set(name, conditions);
      if (reason == null) continue;
      await this.remove([name], signal);
      removed.push({ table: name, reason });
    }
    return removed;
  }

  /** See `MonolithDatabase.feedMembership`. */
  async membership(tables: readonly CarriedTable[], signal: AbortSignal): Promise<string> {
    // OIDs are never given again, nor are the columns' ids. The publication's own row is written anew by every change of
    // what it publishes and how (ALTER PUBLICATION ... SET, RENAME), never by one of its tables, and keeps the mark of who
    // last wrote it.
    const rows = await this.#database.query(
      `SELECT p.oid AS publication_id, p.xmin AS written_by, t.schemaname || '.' || t.tablename AS name,
         c.oid AS table_id, r.oid AS member_id,
         (SELECT json_object_agg(f.column_name, f.id) FROM ${FEED_COLUMN_TABLE} f
           WHERE f.table_name = t.schemaname || '.' || t.tablename) AS columns
       FROM pg_catalog.pg_publication p
       LEFT JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname
       LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
       LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
       LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
       WHERE p.pubname = $1`,
      [this.name],
      signal,
    );
    const [first] = rows;
    const publication = first ? `${first['publication_id']}/${first['written_by']}` : 'absent';
    const members = new Map(rows.map((row) => [row['name'], row]));
    const ofTables = tables.map((table) => `${table.name}=${memberText(table, members.get(table.name))}`);
    return [`${PUBLICATION_MEMBER}=${publication}`, ...ofTables.toSorted()].join(' ');
  }

  async #read(signal: AbortSignal): Promise<Publication> {
    const publication = await this.#database.onConnection((ask) => readPublication(this.name, ask), signal);
    if (publication) return publication;
    throw new PublicationError(
      `The publication "${this.name}" does not exist: the reader makes it when it first starts. Start the reader.`,
    );
  }

  async #alter(change: string, signal: AbortSignal): Promise<void> {
    await this.#database.query(`ALTER PUBLICATION ${quoteName(this.name)} ${change}`, [], signal);
  }

  /**
   * Tries writes of a table beside its users: whoever holds a lock that keeps writers out is not waited for.
   * @returns why they fail; null when they do not, undefined when that is not known.
   */
  async #tryWrites(table: PublishedRelation, signal: AbortSignal): Promise<string | null | undefined> {
    try {
      return await this.#database.transaction({ signal }, async (ask) => {
        await ask(`SET LOCAL lock_timeout = ${FIRST_LOCK_TIMEOUT_MS}`);
        return await tryWrites(table, ask);
      });
    } catch (error) {
      // Locked, gone, or not ours to try: the next look sees it as it is then.
      if (error instanceof pg.DatabaseError) return undefined;
      throw error;
    }
  }

  /**
   * Makes a change of a table's membership, which takes its lock: attempt after attempt, none of which waits long.
   * @throws SourceTableError when there was no moment for it until the deadline.
   */
  async #untilLocked(
    options: { readonly table: PublishedRelation; readonly deadlineMs: number; readonly signal: AbortSignal },
    change: (ask: AskDatabase) => Promise<void>,
  ): Promise<void> {
    const { table, deadlineMs, signal } = options;
    for (let waitMs = FIRST_LOCK_TIMEOUT_MS; ; waitMs = Math.min(waitMs * 2, LAST_LOCK_TIMEOUT_MS)) {
      try {
        await this.#database.transaction({ signal }, async (ask) => {
          await ask(`SET LOCAL lock_timeout = ${waitMs}`);
          await change(ask);
        });
        return;
      } catch (error) {
        // Somebody else has just added it, taken it out, or dropped it.
        if (hasSqlState(error, '42710', '42704', '42P01')) return;
        if (hasSqlState(error, '42501')) throw notOwnerError(table, error);
        if (!hasSqlState(error, '55P03', '40P01')) throw error;
      }
      if (Date.now() > deadlineMs) throw new SourceTableError([{ table: nameOf(table), problem: 'in-use' }]);
      await sleep(waitMs, undefined, { signal }); // lets those pass who queued behind our lock
    }
  }

  /**
   * Adds a table while nobody has an uncommitted change of it. Such a change would be in no feed: made before the
   * table was in the publication, and committed after a table snapshot could see it.
   *
   * @throws SourceTableError when the application could no longer write to it; nothing was committed then.
   */
  async #addOne(table: CatalogTable, ask: AskDatabase): Promise<void> {
    // Of a partitioned table this locks the partitions too: their writers need not come through the root.
    await ask(`LOCK TABLE ${fromTable(table)} IN SHARE ROW EXCLUSIVE MODE`);
    await ask(`ALTER PUBLICATION ${quoteName(this.name)} ADD TABLE ${fromTable(table)}`);
    const found = await tryWrites(table, ask);
    if (found !== null) {
      throw new SourceTableError([{ table: nameOf(table), problem: 'unwritable', found }]);
    }
  }

  #narrowedError(tables: readonly PublishedTable[]): SourceTableError {
    return new SourceTableError(
      tables.map((table) => ({
        table: nameOf(table),
        problem: 'narrowed',
        remedy: `ALTER PUBLICATION ${quoteName(this.name)} DROP TABLE ${fromTable(table)}; and ask again`,
      })),
    );
  }
}

/** `table/member`, and the ids of the columns asked for. */
function memberText(asked: CarriedTable, row: TextRow | undefined): string {
  if (!row) return 'absent';
  const ids = new Map(Object.entries(JSON.parse(row['columns'] ?? '{}') as Record<string, number>));
  const columns = keptNames(asked)
    .toSorted()
    .map((column) => ids.get(column) ?? '-');
  return [row['table_id'], row['member_id'] ?? '*', ...(columns.length > 0 ? [columns.join('.')] : [])].join(
    '/',
  );
}

function nameOf({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${schema}.${table}`;
}

/** @throws SourceTableError naming each table whose topic is another one's. */
function refuseSharedTopics(names: readonly string[]): void {
  const owners = new Map<string, string>();
  const problems: SourceTableProblem[] = [];
  for (const table of new Set(names)) {
    // Kafka makes no two topics that differ by these two characters alone.
    const topic = tableTopic('', table).replaceAll('.', '_');
    const owner = owners.get(topic);
    if (owner === undefined) owners.set(topic, table);
    else problems.push({ table, problem: 'topic-taken', found: owner, remedy: 'rename one of them' });
  }
  if (problems.length > 0) throw new SourceTableError(problems);
}

function notOwnerError(table: PublishedRelation, error: pg.DatabaseError): SourceTableError {
  return new SourceTableError([
    {
      table: nameOf(table),
      problem: 'not-owner',
      found: error.message,
      remedy:
        "GRANT the owner's role TO the role of SOURCE_URL, or add the table to the publication as its owner",
    },
  ]);
}
