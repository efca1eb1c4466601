import { tableTopic, type FieldValue } from '@banyan/contracts';
import { readRelationNow, type CatalogColumn } from '../postgres/catalog.ts';
import { busKey } from '../../rows/envelope.ts';
import { readFeedColumns, type FeedColumns } from '../feed/feed-columns.ts';
import type { FieldDecoder } from '../../rows/field-values.ts';
import type { RelationColumn, RelationMessage, TypeMessage } from './pgoutput.ts';
import type { SourceDatabase } from '../postgres/source-database.ts';
import { TypeCatalog, type AnnouncedType } from '../postgres/type-catalog.ts';

export { SIGNAL_TABLE } from '../feed/signal-table.ts';

/** A table of the feed with what is needed to tell its rows. */
export interface FeedTable {
  /** `schema.table`. */
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  readonly topic: string;
  readonly columns: readonly Pick<CatalogColumn, 'name' | 'decode'>[];
  /** Key columns in key order; empty without a primary key. */
  readonly key: readonly string[];
  /** The root of partitions. */
  readonly partitioned: boolean;
}

interface StreamedColumn extends Pick<CatalogColumn, 'name' | 'decode'> {
  readonly isCarried: boolean;
}

/** A table of the feed as the stream has announced it. */
export interface StreamedTable extends FeedTable {
  readonly oid: number;
  /** All that its rows have, in their order, and which of them may be told. */
  readonly columns: readonly StreamedColumn[];
  /** False where nobody asked for any column: then nothing of it is told, keys neither. */
  readonly isCarried: boolean;
  /**
   * False when old rows lack a column of the key (replica identity by another index): then a delete, and an update that
   * changes the key, do not say of which row.
   */
  readonly tellsOldKeys: boolean;
}

/** Makes a feed table of its parts. */
export function feedTable<T extends FeedTable['columns']>(
  prefix: string,
  parts: Pick<FeedTable, 'schema' | 'table' | 'key' | 'partitioned'> & { readonly columns: T },
): FeedTable & { readonly columns: T } {
  const name = `${parts.schema}.${parts.table}`;
  const { schema, table, columns, key, partitioned } = parts;
  return { name, schema, table, topic: tableTopic(prefix, name), columns, key, partitioned };
}

/** The bus key of a row; null for a table without a key. */
export function keyText(table: FeedTable, row: Readonly<Record<string, FieldValue>>): string | null {
  return table.key.length === 0 ? null : busKey(table.key, row);
}

/** The tables that the stream has announced, by OID. */
export class FeedTables {
  readonly #prefix: string;
  readonly #database: SourceDatabase;
  readonly #types = new TypeCatalog();
  readonly #announced = new Map<number, AnnouncedType>();
  readonly #tables = new Map<number, StreamedTable>();
  #carried: FeedColumns = new Map();

  constructor(options: { readonly prefix: string; readonly database: SourceDatabase }) {
    this.#prefix = options.prefix;
    this.#database = options.database;
  }

  get types(): TypeCatalog {
    return this.#types;
  }

  /**
   * Takes in an announcement of a table, or of a type that the next table uses. Both are of the time of the change; the
   * catalog, which is of now, only adds what the stream lacks: the key's order, what types are made of.
   */
  async add(message: RelationMessage | TypeMessage, signal: AbortSignal): Promise<void> {
    if (message.kind === 'type') {
      this.#announced.set(message.oid, { schema: message.schema, name: message.name });
      return;
    }
    const { schema, table, oid, columns } = message;
    const now = await this.#database.onConnection(async (ask) => {
      await this.#types.load(
        columns.map((column) => column.typeOid),
        ask,
      );
      return await readRelationNow(oid, ask);
    }, signal);
    const before = this.#tables.get(oid);
    const key = keyOf(message, now?.key ?? before?.key ?? []);
    const parts = {
      schema,
      table,
      columns: columns.map((column) => ({
        name: column.name,
        decode: this.#decoder(column),
        isCarried: false,
      })),
      key,
      partitioned: now?.partitioned ?? before?.partitioned ?? false,
    };
    const told = message.columns.filter((column) => column.identity).map((column) => column.name);
    const tellsOldKeys = message.replicaIdentity !== 'i' || key.every((name) => told.includes(name));
    const announced = { ...feedTable(this.#prefix, parts), oid, tellsOldKeys, isCarried: false };
    this.#tables.set(oid, carriedOf(announced, this.#carried));
  }

  /** Looks anew which columns are carried: changes that are taken in from here on are told by that. */
  async readCarried(signal: AbortSignal): Promise<void> {
    this.#carried = await this.#database.onConnection((ask) => readFeedColumns(ask), signal);
    for (const [oid, table] of this.#tables) this.#tables.set(oid, carriedOf(table, this.#carried));
  }

  /** @throws Error for a table that was never announced, which the protocol rules out. */
  get(oid: number): StreamedTable {
    const table = this.#tables.get(oid);
    if (!table) throw new Error(`The stream has a change of table ${oid}, which it never announced.`);
    return table;
  }

  #decoder({ typeOid: oid, typeModifier: modifier }: RelationColumn): FieldDecoder {
    return this.#types.decoder({ oid, modifier }, this.#announced.get(oid));
  }
}

/** Rows of the signal table are read by the reader itself, and never told. */
function carriedOf(table: StreamedTable, carried: FeedColumns): StreamedTable {
  const columns = carried.get(table.name);
  return {
    ...table,
    isCarried: columns !== undefined,
    columns: table.columns.map((column) => ({
      ...column,
      isCarried: columns !== undefined && (columns.has(column.name) || table.key.includes(column.name)),
    })),
  };
}

/**
 * The primary key as the change has it. Under the default replica identity the stream marks its columns, so that a
 * change from before the key was changed keeps its own; the order is the catalog's while that has the same columns. Under
 * `full` every column is marked, and by an index those of the index: there the last key that is known must do.
 */
function keyOf(relation: RelationMessage, lastKey: readonly string[]): readonly string[] {
  const names = new Set(relation.columns.map((column) => column.name));
  const fits = lastKey.every((name) => names.has(name));
  if (relation.replicaIdentity !== 'd') return fits ? lastKey : [];
  const marked = relation.columns.filter((column) => column.identity).map((column) => column.name);
  const same = lastKey.length === marked.length && lastKey.every((name) => marked.includes(name));
  return same ? lastKey : marked;
}
