import { parseNames } from '../postgres/catalog.ts';
import { writeMessage } from './logical-message.ts';
import type { AskDatabase, SourceDatabase } from '../postgres/source-database.ts';

/** A table of the feed, and what of its rows is carried. The columns of its primary key are in any case. */
export interface CarriedTable {
  /** `schema.table`. */
  readonly name: string;
  /**
   * Names as they are. One that the table does not have (yet) is carried once it has it. `every` stands for all columns,
   * also those to come: a slice names its columns, so only tools ask for that.
   */
  readonly columns: readonly string[] | 'every';
}

/** The carried columns of one table. */
export interface CarriedColumns {
  readonly names: CarriedTable['columns'];
  has(column: string): boolean;
}

/** By `schema.table`. Of a table that is not in it nothing is carried. */
export type FeedColumns = ReadonlyMap<string, CarriedColumns>;

/** Where the columns are kept, in the source's database: whoever reads rows goes by it. */
export const FEED_COLUMN_TABLE = 'banyan.feed_column';

/** Stands for every column; no column has this name. */
const EVERY = '';

/** Reads what is carried as of now: in a transaction, as of its snapshot. @param table Default: all tables. */
export async function readFeedColumns(ask: AskDatabase, table?: string): Promise<FeedColumns> {
  const rows = await ask(
    `SELECT table_name AS name, json_agg(column_name) AS columns FROM ${FEED_COLUMN_TABLE}
     WHERE $1::text IS NULL OR table_name = $1 GROUP BY table_name`,
    [table ?? null],
  );
  return new Map(rows.map((row) => [row['name'] ?? '', carried(parseNames(row['columns']))]));
}

function carried(kept: readonly string[]): CarriedColumns {
  if (kept.includes(EVERY)) return { names: 'every', has: () => true };
  const names = new Set(kept);
  return { names: [...names], has: (column) => names.has(column) };
}

/** The same as the names that are kept for it. */
export function keptNames({ columns }: CarriedTable): readonly string[] {
  return columns === 'every' ? [EVERY] : columns;
}

/**
 * Changes what is carried. Each call is for good once it has returned: every change committed after that is told with
 * these columns, and every row that is read after that.
 *
 * Kept first, then told in the stream: whoever reads the WAL looks again when he meets the message, so there is a
 * position from which on the new columns are sure to be there. Told even when nothing had to be changed, since the
 * process that changed it may have died before it could tell.
 */
export class FeedColumnSetting {
  readonly #database: SourceDatabase;

  constructor(database: SourceDatabase) {
    this.#database = database;
  }

  /** Carries these columns as well. */
  async add(tables: readonly CarriedTable[], signal: AbortSignal): Promise<void> {
    await this.#change(signal, (ask) => insert(tables, ask));
  }

  /** Carries these columns, and nothing else of any table. */
  async set(tables: readonly CarriedTable[], signal: AbortSignal): Promise<void> {
    await this.#change(signal, async (ask) => {
      await ask(
        `DELETE FROM ${FEED_COLUMN_TABLE} WHERE (table_name, column_name) NOT IN (${LISTED})`,
        listed(tables),
      );
      await insert(tables, ask);
    });
  }

  /** Carries nothing of these tables any more. */
  async remove(names: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#change(signal, async (ask) => {
      await ask(`DELETE FROM ${FEED_COLUMN_TABLE} WHERE table_name = ANY ($1)`, [names]);
    });
  }

  async #change(signal: AbortSignal, change: (ask: AskDatabase) => Promise<void>): Promise<void> {
    // 1. Visible to everybody, 2. and then told.
    await this.#database.transaction({ signal }, change);
    await writeMessage(this.#database, { feedColumns: 'changed' }, signal);
  }
}

async function insert(tables: readonly CarriedTable[], ask: AskDatabase): Promise<void> {
  await ask(
    `INSERT INTO ${FEED_COLUMN_TABLE} (table_name, column_name) ${LISTED} ON CONFLICT DO NOTHING`,
    listed(tables),
  );
}

/** The parameters of `LISTED` are tables and columns, pair by pair. */
const LISTED = 'SELECT * FROM unnest($1::text[], $2::text[])';

function listed(tables: readonly CarriedTable[]): readonly (readonly string[])[] {
  const pairs = tables.flatMap((table) => keptNames(table).map((column) => [table.name, column] as const));
  return [pairs.map(([table]) => table), pairs.map(([, column]) => column)];
}
