import { setTimeout as sleep } from 'node:timers/promises';
import { tableTopic } from '@banyan/contracts';
import pg from 'pg';
import { fromTable, type CatalogTable } from './catalog.ts';
import { FEED_COLUMN_TABLE, keptNames, type CarriedTable } from './feed-columns.ts';
import {
  PUBLICATION_OPTIONS,
  PublicationError,
  readPublication,
  type Publication,
  type PublishedTable,
} from './publication.ts';
import { SIGNAL_TABLE } from './signal-table.ts';
import type { SourceDatabase, TextRow } from './source-database.ts';
import { SourceTableError, type SourceTableProblem } from './source-table-error.ts';
import { quoteName } from './table-name.ts';

/** How long one attempt waits for a table's writers, and all attempts together. */
const LOCK_TIMEOUT_MS = 300;
const LOCK_DEADLINE_MS = 20_000;

/** The tables that a feed carries: those of its publication, which the reader makes. */
export class FeedPublication {
  readonly #database: SourceDatabase;
  readonly name: string;

  constructor(database: SourceDatabase, name: string) {
    this.#database = database;
    this.name = name;
  }

  /** Adds tables that are fit for it. @throws SourceTableError, PublicationError as `Source.ensureTables`. */
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
    const deadline = Date.now() + LOCK_DEADLINE_MS;
    for (const table of tables.filter((each) => !present.has(nameOf(each)))) {
      while (!(await this.#addOne(table, signal))) {
        if (Date.now() > deadline) throw new SourceTableError([{ table: nameOf(table), problem: 'in-use' }]);
        await sleep(LOCK_TIMEOUT_MS, undefined, { signal }); // lets those pass who queued behind our lock
      }
    }
  }

  /** Takes out those that are in it; never the signal table. */
  async remove(names: readonly string[], signal: AbortSignal): Promise<void> {
    const published = await this.#database.onConnection((ask) => readPublication(this.name, ask), signal);
    for (const table of published?.tables ?? []) {
      if (!names.includes(nameOf(table)) || nameOf(table) === SIGNAL_TABLE) continue;
      try {
        await this.#alter(`DROP TABLE ${fromTable(table)}`, signal);
      } catch (error) {
        // Somebody else has just taken it out, or dropped it.
        if (!(error instanceof pg.DatabaseError && /^42(704|P01)$/.test(error.code ?? ''))) throw error;
      }
    }
  }

  /** See `Source.feedMembership`. */
  async membership(tables: readonly CarriedTable[], signal: AbortSignal): Promise<string> {
    // The OIDs of the table and of its row in the publication are never given again, nor are the columns' ids.
    const rows = await this.#database.query(
      `SELECT t.schemaname || '.' || t.tablename AS name, c.oid AS table_id, r.oid AS member_id,
         (SELECT json_object_agg(f.column_name, f.id) FROM ${FEED_COLUMN_TABLE} f
           WHERE f.table_name = t.schemaname || '.' || t.tablename) AS columns
       FROM pg_catalog.pg_publication_tables t
       JOIN pg_catalog.pg_publication p ON p.pubname = t.pubname
       JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname
       JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
       LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid
       WHERE t.pubname = $1`,
      [this.name],
      signal,
    );
    const members = new Map(rows.map((row) => [row['name'], row]));
    return tables
      .map((table) => `${table.name}=${memberText(table, members.get(table.name))}`)
      .toSorted()
      .join(' ');
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
   * Adds a table while nobody has an uncommitted change of it. Such a change would be in no feed: made before the
   * table was in the publication, and committed after a table snapshot could see it.
   *
   * @returns false when writers held the table; nobody is left waiting behind us for long.
   */
  async #addOne(table: CatalogTable, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#database.transaction({ signal }, async (ask) => {
        await ask(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
        // Of a partitioned table this locks the partitions too: their writers need not come through the root.
        await ask(`LOCK TABLE ${fromTable(table)} IN SHARE ROW EXCLUSIVE MODE`);
        await ask(`ALTER PUBLICATION ${quoteName(this.name)} ADD TABLE ${fromTable(table)}`);
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

function notOwnerError(table: CatalogTable, error: pg.DatabaseError): SourceTableError {
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
