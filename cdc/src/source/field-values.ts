import type { FieldValue } from '@banyan/contracts';
import { parseArrayLiteral, type ArrayElement } from './array-literal.ts';

/** Turns the text that PostgreSQL prints for a value into the value that an envelope holds. */
export type FieldDecoder = (text: string) => FieldValue;

/**
 * How each built-in type is told, by `pg_type.typname`; as Debezium does with `decimal.handling.mode=string`,
 * `interval.handling.mode=string` and `time.precision.mode=adaptive_time_microseconds`. A type that is not listed
 * (uuid, json, enums, inet ...) keeps PostgreSQL's own text, and so do `infinity` and `NaN`, which JSON lacks.
 * Texts are those of a session with `sessionSettings`.
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
  time: (text) => microsOfDay(text),
  timetz: decodeTimeTz,
  timestamp: decodeTimestamp,
  timestamptz: decodeTimestampTz,
};

const asText: FieldDecoder = (text) => text;

/**
 * The decoder of a type by its name; an array's name starts with `_` (`_int4`), as in `pg_type`.
 *
 * @example
 * decoderOf('int8')('9007199254740993') // 9007199254740993n
 */
export function decoderOf(typeName: string): FieldDecoder {
  if (!typeName.startsWith('_')) return decoders[typeName] ?? asText;
  const decodeOne = decoderOf(typeName.slice(1));
  const decodeElement = (element: ArrayElement): FieldValue => {
    if (element === null) return null;
    return typeof element === 'string' ? decodeOne(element) : element.map(decodeElement);
  };
  return (text) => parseArrayLiteral(text).map(decodeElement);
}

function decodeInteger(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

function decodeFloat(text: string): number | string {
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}

const DATE = /^(\d{4,})-(\d\d)-(\d\d)(?:[ ](\d\d:\d\d:\d\d(?:\.\d+)?))?([+-]\d\d(?::\d\d)*)?( BC)?$/;

interface Moment {
  readonly days: number;
  readonly timeOfDay: string;
}

/** Null for `infinity` and `-infinity`. */
function parseMoment(text: string): Moment | null {
  const match = DATE.exec(text);
  if (!match) return null;
  const [, year = '', month = '', day = '', timeOfDay = '00:00:00', , bc] = match;
  const date = new Date(0);
  date.setUTCFullYear(bc ? 1 - Number(year) : Number(year), Number(month) - 1, Number(day));
  return { days: date.getTime() / 86_400_000, timeOfDay };
}

/** Days since 1970. */
function decodeDate(text: string): number | string {
  return parseMoment(text)?.days ?? text;
}

/** Fraction of a second as six digits. */
function sixDigits(timeOfDay: string): string {
  return (timeOfDay.split('.')[1] ?? '').padEnd(6, '0');
}

function microsOfDay(timeOfDay: string): number {
  const [hours, minutes, seconds] = (timeOfDay.split('.')[0] ?? '').split(':').map(Number);
  const whole = ((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0);
  return whole * 1_000_000 + Number(sixDigits(timeOfDay));
}

/** Microseconds since 1970, of a wall clock without zone. */
function decodeTimestamp(text: string): FieldValue {
  const moment = parseMoment(text);
  if (!moment) return text;
  const micros = BigInt(moment.days) * 86_400_000_000n + BigInt(microsOfDay(moment.timeOfDay));
  return decodeInteger(micros.toString());
}

/** ISO 8601 in UTC with six digits; the session's zone is UTC, so the printed one needs no arithmetic. */
function decodeTimestampTz(text: string): string {
  const moment = parseMoment(text);
  if (!moment) return text;
  const [seconds = ''] = moment.timeOfDay.split('.');
  const date = text.slice(0, text.indexOf(' '));
  const day = text.endsWith(' BC') ? isoYear(moment.days) : date;
  return `${day}T${seconds}.${sixDigits(moment.timeOfDay)}Z`;
}

/** Years before Christ as ISO 8601's signed years, e.g. `-000043-03-15`. */
function isoYear(days: number): string {
  return new Date(days * 86_400_000).toISOString().split('T')[0] ?? '';
}

/** Time of day in UTC with six digits: a zone's offset is the value's own here. */
function decodeTimeTz(text: string): string {
  const match = /^([\d:.]+)([+-])(\d\d)(?::(\d\d))?(?::(\d\d))?$/.exec(text);
  if (!match) return text;
  const [, timeOfDay = '', sign, hours = '0', minutes = '0', seconds = '0'] = match;
  const offset = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1_000_000;
  const day = 86_400_000_000;
  const micros = (microsOfDay(timeOfDay) - (sign === '-' ? -offset : offset) + day) % day;
  const clock = new Date(Math.floor(micros / 1_000)).toISOString().slice(11, 19);
  return `${clock}.${String(micros % 1_000_000).padStart(6, '0')}Z`;
}
