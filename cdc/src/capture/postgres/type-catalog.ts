import { arrayDecoderOf, decoderOf, type FieldDecoder } from '../../rows/field-values.ts';
import type { AskDatabase } from './source-database.ts';

/** A column's type: which, and its modifier (`atttypmod`; -1 without one). */
export interface TypeUse {
  readonly oid: number;
  readonly modifier: number;
}

/** What the stream says of a type before it uses it. For a domain the name is that of the type it is based on. */
export interface AnnouncedType {
  readonly schema: string;
  readonly name: string;
}

/** One type as the catalog has it. */
interface KnownType {
  /** `typname`, no matter in which schema. */
  readonly name: string;
  /** What `decoderOf` knows it by. */
  readonly decoder: string;
  /** A domain's base, with the modifier that the domain gives it. */
  readonly base: TypeUse | null;
  readonly element: { readonly oid: number; readonly delimiter: string } | null;
}

/** OIDs from here on belong to the database's own types, which may be dropped and their OIDs used again. */
const FIRST_USER_OID = 16_384;

/**
 * Decoders by type OID, through domains and arrays. Built-in types are asked for once; a database's own every time, since
 * a number may mean another type tomorrow. What is gone from the catalog keeps the meaning that it had here.
 */
export class TypeCatalog {
  readonly #types = new Map<number, KnownType>();

  /** Looks up the types, and those that they are made of. */
  async load(oids: readonly number[], ask: AskDatabase): Promise<void> {
    const wanted = [...new Set(oids)].filter((oid) => oid >= FIRST_USER_OID || !this.#types.has(oid));
    if (wanted.length === 0) return;
    for (const [oid, type] of await readTypes(wanted, ask)) this.#types.set(oid, type);
  }

  /**
   * The decoder of a loaded type; the text itself when nothing is known of it.
   *
   * @param announced What the stream said of the type at the time of a change. The catalog is of now: where the two name
   * different types, the number was used again, and the announcement holds.
   */
  decoder({ oid, modifier }: TypeUse, announced?: AnnouncedType): FieldDecoder {
    const type = this.#types.get(oid);
    if (announced && (!type || this.#baseName(type) !== announced.name)) return announcedDecoder(announced);
    if (!type) return decoderOf('text');
    if (type.base) return this.decoder(type.base);
    if (!type.element) return decoderOf(type.decoder, modifier);
    const { oid: element, delimiter } = type.element;
    return arrayDecoderOf(this.decoder({ oid: element, modifier }), delimiter);
  }

  #baseName(type: KnownType): string | undefined {
    if (!type.base) return type.name;
    const base = this.#types.get(type.base.oid);
    return base && this.#baseName(base);
  }
}

/** Without the catalog, by name alone: an array's elements, whose type nobody knows, are told as texts. */
function announcedDecoder({ schema, name }: AnnouncedType): FieldDecoder {
  if (schema === 'pg_catalog' && name.startsWith('_')) {
    return arrayDecoderOf(decoderOf(name.slice(1)), name === '_box' ? ';' : ',');
  }
  if (schema === 'pg_catalog' || name === 'hstore') return decoderOf(name);
  return name.startsWith('_') ? arrayDecoderOf(decoderOf('text')) : decoderOf('text');
}

async function readTypes(
  oids: readonly number[],
  ask: AskDatabase,
): Promise<readonly (readonly [number, KnownType])[]> {
  const rows = await ask(
    `WITH RECURSIVE needed (oid) AS (
       SELECT unnest($1::oid[])
       UNION
       SELECT part FROM needed JOIN pg_catalog.pg_type t ON t.oid = needed.oid,
         LATERAL (VALUES
           (CASE WHEN t.typtype = 'd' THEN t.typbasetype END),
           (CASE WHEN t.typoutput = 'pg_catalog.array_out'::regproc THEN t.typelem END)) AS parts (part)
       WHERE part <> 0
     )
     SELECT t.oid, t.typname AS name, t.typtypmod AS modifier, e.typdelim AS delimiter,
       CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname
         WHEN x.extname = 'hstore' AND t.typname = 'hstore' THEN 'hstore' ELSE 'text' END AS decoder,
       CASE WHEN t.typtype = 'd' THEN t.typbasetype END AS base, e.oid AS element
     FROM needed JOIN pg_catalog.pg_type t ON t.oid = needed.oid
     LEFT JOIN pg_catalog.pg_type e
       ON t.typoutput = 'pg_catalog.array_out'::regproc AND t.typtype <> 'd' AND e.oid = t.typelem
     LEFT JOIN pg_catalog.pg_depend d
       ON d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
     LEFT JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid`,
    [oids],
  );
  return rows.map((row) => {
    const modifier = Number(row['modifier']);
    const type: KnownType = {
      name: row['name'] ?? '',
      decoder: row['decoder'] ?? 'text',
      base: row['base'] == null ? null : { oid: Number(row['base']), modifier },
      element:
        row['element'] == null ? null : { oid: Number(row['element']), delimiter: row['delimiter'] ?? ',' },
    };
    return [Number(row['oid']), type] as const;
  });
}
