import { stringifyExactJson, tableTopic, type FieldValue } from '@banyan/contracts';
import { readTable, TypeCatalog, type CatalogColumn } from '../source/catalog.ts';
import type { FieldDecoder } from '../source/field-values.ts';
import type { RelationMessage } from '../source/pgoutput.ts';
import type { SourceDatabase } from '../source/source-database.ts';

/** The table through which the reader is asked for things. Its rows are not put on the bus. */
export const SIGNAL_TABLE = 'banyan.signal';

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
}

/** Makes a feed table of its parts. */
export function feedTable(
  prefix: string,
  parts: Pick<FeedTable, 'schema' | 'table' | 'columns' | 'key'>,
): FeedTable {
  const name = `${parts.schema}.${parts.table}`;
  const { schema, table, columns, key } = parts;
  return { name, schema, table, topic: tableTopic(prefix, name), columns, key };
}

/** The bus key of a row: its key columns in key order, as JSON; null for a table without a key. */
export function keyText(table: FeedTable, row: Readonly<Record<string, FieldValue>>): string | null {
  if (table.key.length === 0) return null;
  return stringifyExactJson(Object.fromEntries(table.key.map((name) => [name, row[name] ?? null])));
}

/** The tables that the stream has announced, by OID. */
export class FeedTables {
  readonly #prefix: string;
  readonly #database: SourceDatabase;
  readonly #types = new TypeCatalog();
  readonly #tables = new Map<number, FeedTable>();

  constructor(options: { readonly prefix: string; readonly database: SourceDatabase }) {
    this.#prefix = options.prefix;
    this.#database = options.database;
  }

  get types(): TypeCatalog {
    return this.#types;
  }

  /** Takes in an announcement; the catalog adds the key's order and the types' names. */
  async add(relation: RelationMessage, signal: AbortSignal): Promise<void> {
    const { schema, table, oid } = relation;
    const catalogKey = await this.#database.onConnection(async (ask) => {
      await this.#types.load(
        relation.columns.map((column) => column.typeOid),
        ask,
      );
      return (await readTable(`${schema}.${table}`, this.#types, ask))?.key ?? [];
    }, signal);
    const columns = relation.columns.map(({ name, typeOid }): { name: string; decode: FieldDecoder } => ({
      name,
      decode: this.#types.decoder(typeOid),
    }));
    this.#tables.set(
      oid,
      feedTable(this.#prefix, { schema, table, columns, key: keyOf(relation, catalogKey) }),
    );
  }

  /** @throws Error for a table that was never announced, which the protocol rules out. */
  get(oid: number): FeedTable {
    const table = this.#tables.get(oid);
    if (!table) throw new Error(`The stream has a change of table ${oid}, which it never announced.`);
    return table;
  }
}

/** The catalog is of now, the change of then: where they disagree, the change's replica identity is the key. */
function keyOf(relation: RelationMessage, catalogKey: readonly string[]): readonly string[] {
  const names = new Set(relation.columns.map((column) => column.name));
  if (catalogKey.length > 0 && catalogKey.every((name) => names.has(name))) return catalogKey;
  if (relation.replicaIdentity === 'f') return [];
  return relation.columns.filter((column) => column.identity).map((column) => column.name);
}
