/** What an envelope carries for a column, by the name of its type as PostgreSQL's `format_type` prints it. */
export type SourceType =
  | { readonly kind: 'integer'; readonly bits: 16 | 32 | 64 }
  /** Null: without bounds. */
  | { readonly kind: 'decimal'; readonly precision: number | null; readonly scale: number | null }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  /** `length` null: unbounded. `padded`: filled up with blanks. */
  | { readonly kind: 'text'; readonly length: number | null; readonly padded: boolean }
  /** Whole numbers: days, microseconds. `digits` of a second's fraction. */
  | { readonly kind: 'date' }
  | { readonly kind: 'time' | 'timestamp'; readonly digits: number }
  | { readonly kind: 'timestamptz'; readonly digits: number }
  | { readonly kind: 'boolean' | 'bytes' | 'json' | 'jsonb' }
  /** A text of one form: uuid, inet, interval ... */
  | { readonly kind: 'formed'; readonly name: string }
  | { readonly kind: 'array'; readonly element: SourceType }
  /** An enum, a domain, an extension's type: not known here. */
  | { readonly kind: 'other'; readonly name: string };

const formed = new Set(['uuid', 'inet', 'cidr', 'macaddr', 'macaddr8', 'interval', 'time with time zone']);

/** Reads a type's name, e.g. `character varying(120)`, `timestamp(3) with time zone`, `numeric(10,2)[]`. */
export function parseSourceType(text: string): SourceType {
  if (text.endsWith('[]')) return { kind: 'array', element: parseSourceType(text.slice(0, -2)) };
  const match = /^([a-z0-9_ "]+?)(?:\((\d+)(?:,(-?\d+))?\))?( with(?:out)? time zone)?$/.exec(text);
  const [, base = text, first, second, zone = ''] = match ?? [];
  const numbers = [first, second].map((part) => (part === undefined ? null : Number(part)));
  return simpleType(base + zone, numbers[0] ?? null, numbers[1] ?? null);
}

function simpleType(name: string, first: number | null, second: number | null): SourceType {
  switch (name) {
    case 'smallint':
      return { kind: 'integer', bits: 16 };
    case 'integer':
      return { kind: 'integer', bits: 32 };
    case 'bigint':
      return { kind: 'integer', bits: 64 };
    case 'numeric':
      return { kind: 'decimal', precision: first, scale: first === null ? null : (second ?? 0) };
    case 'real':
      return { kind: 'float', bits: 32 };
    case 'double precision':
      return { kind: 'float', bits: 64 };
    case 'boolean':
    case 'json':
    case 'jsonb':
      return { kind: name };
    case 'bytea':
      return { kind: 'bytes' };
    case 'text':
    case 'citext':
      return { kind: 'text', length: null, padded: false };
    case 'character varying':
      return { kind: 'text', length: first, padded: false };
    case 'character':
    case 'bpchar':
      return { kind: 'text', length: first, padded: true };
    case 'date':
      return { kind: 'date' };
    case 'time without time zone':
      return { kind: 'time', digits: first ?? 6 };
    case 'timestamp without time zone':
      return { kind: 'timestamp', digits: first ?? 6 };
    case 'timestamp with time zone':
      return { kind: 'timestamptz', digits: first ?? 6 };
    default:
      return formed.has(name) ? { kind: 'formed', name } : { kind: 'other', name };
  }
}
