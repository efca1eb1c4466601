import type { FieldValue } from '@banyan/contracts';
import { parseArrayLiteral, type ArrayElement } from './array-literal.ts';
import { hstoreToJson } from './hstore-literal.ts';
import {
  decodeDate,
  decodeInterval,
  decodeTime,
  decodeTimestamp,
  decodeTimestampTz,
  decodeTimeTz,
} from './moment.ts';

/** Turns the text that PostgreSQL prints for a value into the value that an envelope holds. */
export type FieldDecoder = (text: string) => FieldValue;

/**
 * How each type is told, by its name; as Debezium does with `decimal.handling.mode=string`,
 * `interval.handling.mode=string`, `hstore.handling.mode=json` and
 * `time.precision.mode=microseconds`. A type that is not listed (uuid, json, enums, inet ...) keeps
 * PostgreSQL's own text, and so do numbers that JSON lacks (`NaN`, `Infinity`). Texts are those of a session of ours
 * (`sourceConnection`). The table of all of them is docs/reference/envelope-types.md.
 */
const decoders: Readonly<Record<string, FieldDecoder>> = {
  bool: (text) => text === 't',
  int2: Number,
  int4: Number,
  oid: Number,
  int8: decodeInteger,
  float4: decodeFloat,
  float8: decodeFloat,
  bytea: (text) => Buffer.from(text.slice(2), 'hex').toString('base64'),
  date: decodeDate,
  time: decodeTime,
  timetz: decodeTimeTz,
  timestamp: decodeTimestamp,
  interval: decodeInterval,
  hstore: hstoreToJson,
};

const asText: FieldDecoder = (text) => text;
/** PostgreSQL's modifier of a type without one. */
const NO_MODIFIER = -1;

/**
 * The decoder of a type that is neither domain nor array.
 *
 * @param typeName `pg_type.typname` of a built-in type, `hstore` for that extension's, anything else for text.
 * @param modifier `pg_attribute.atttypmod`: bits of a `bit`, digits of a `timestamptz`. Default: none.
 * @example
 * decoderOf('int8')('9007199254740993') // 9007199254740993n
 */
export function decoderOf(typeName: string, modifier = NO_MODIFIER): FieldDecoder {
  if (typeName === 'bit' && modifier === 1) return (text) => text === '1';
  if (typeName === 'timestamptz') {
    const digits = modifier === NO_MODIFIER ? 6 : modifier;
    return (text) => decodeTimestampTz(text, digits);
  }
  return decoders[typeName] ?? asText;
}

/** The decoder of an array, of any number of dimensions. @param delimiter The element type's `typdelim`. */
export function arrayDecoderOf(decodeOne: FieldDecoder, delimiter = ','): FieldDecoder {
  const decodeElement = (element: ArrayElement): FieldValue => {
    if (element === null) return null;
    return typeof element === 'string' ? decodeOne(element) : element.map(decodeElement);
  };
  return (text) => parseArrayLiteral(text, delimiter).map(decodeElement);
}

function decodeInteger(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

function decodeFloat(text: string): number | string {
  const number = Number(text);
  if (!Number.isFinite(number)) return text;
  return number === 0 ? 0 : number; // JSON text has no -0, and PostgreSQL calls them equal
}
