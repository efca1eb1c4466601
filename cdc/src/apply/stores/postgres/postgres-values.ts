import { stringifyExactJson, type FieldValue } from '@banyan/contracts';
import { decodeTimestamp } from '../../../rows/moment.ts';
import { canonicalValue } from '../../../rows/canonical.ts';

/** The type of a PostgreSQL column, as far as writing and reading values depends on it. */
export interface PostgresType {
  /** `pg_type.typname` of the type, or of an array's elements; a domain counts as what it is based on. */
  readonly name: string;
  readonly isArray: boolean;
}

/**
 * A value of an envelope, or its canonical text, as text that PostgreSQL reads into a column of this type: days and
 * microseconds become dates and times, base64 becomes bytea. Other values keep their canonical text, so that the
 * column tells whether they fit it.
 */
export function postgresText(value: FieldValue, type: PostgresType): string | null {
  if (value === null) return null;
  if (!type.isArray) return scalarText(value, type.name);
  return typeof value === 'object' ? arrayText(value, type.name) : canonicalValue(value);
}

/** PostgreSQL's text for an array of texts. */
export function arrayLiteral(texts: readonly (string | null)[]): string {
  return `{${texts.map((text) => (text === null ? 'NULL' : `"${escaped(text)}"`)).join(',')}}`;
}

function escaped(text: string): string {
  return /["\\]/.test(text) ? text.replaceAll(/["\\]/g, String.raw`\$&`) : text;
}

function arrayText(values: readonly FieldValue[], name: string): string {
  const elements = values.map((value) => {
    if (value === null) return 'NULL';
    return typeof value === 'object' ? arrayText(value, name) : `"${escaped(scalarText(value, name) ?? '')}"`;
  });
  return `{${elements.join(',')}}`;
}

const INTEGER = /^-?\d+$/;

function scalarText(value: NonNullable<FieldValue>, name: string): string | null {
  switch (name) {
    case 'bytea':
      return typeof value === 'string'
        ? String.raw`\x${Buffer.from(value, 'base64').toString('hex')}`
        : canonicalValue(value);
    case 'date':
      return INTEGER.test(String(value)) ? dateText(Number(value)) : canonicalValue(value);
    case 'time':
      return INTEGER.test(String(value)) ? timeText(Number(value)) : canonicalValue(value);
    case 'timestamp':
      return INTEGER.test(String(value)) ? timestampText(BigInt(String(value))) : canonicalValue(value);
    case 'timestamptz':
      return typeof value === 'string' ? zonedText(value) : canonicalValue(value);
    case 'hstore':
      return typeof value === 'string' && value.startsWith('{') ? hstoreText(value) : canonicalValue(value);
    case 'json':
    case 'jsonb':
      return typeof value === 'string' ? value : stringifyExactJson(value);
    default:
      return canonicalValue(value);
  }
}

/** An envelope tells an hstore as a JSON object of texts and nulls. */
function hstoreText(json: string): string {
  const pairs = Object.entries(JSON.parse(json) as Readonly<Record<string, string | null>>);
  return pairs
    .map(([key, text]) => `"${escaped(key)}"=>${text === null ? 'NULL' : `"${escaped(text)}"`}`)
    .join(', ');
}

/** @param days Since 1970. */
function dateText(days: number): string {
  const { year, monthAndDay } = civilDate(days);
  return year > 0 ? `${fourDigits(year)}-${monthAndDay}` : `${fourDigits(1 - year)}-${monthAndDay} BC`;
}

/** As the reader tells endless timestamps, which PostgreSQL has a word for. */
const endless = new Map(
  ['infinity', '-infinity'].map((word) => [String(decodeTimestamp(word)), word] as const),
);

/** @param micros Since 1970. */
function timestampText(micros: bigint): string {
  const word = endless.get(micros.toString());
  if (word) return word;
  const day = 86_400_000_000n;
  const ofDay = ((micros % day) + day) % day;
  const { year, monthAndDay } = civilDate(Number((micros - ofDay) / day));
  const time = timeText(Number(ofDay));
  return year > 0
    ? `${fourDigits(year)}-${monthAndDay} ${time}`
    : `${fourDigits(1 - year)}-${monthAndDay} ${time} BC`;
}

/** @param micros Of the day, up to and with 24:00:00. */
function timeText(micros: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = String(micros % 1_000_000).padStart(6, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`;
}

/** ISO 8601 counts the years before Christ from 0 down and marks long ones; PostgreSQL reads neither. */
function zonedText(text: string): string {
  const match = /^([+-]\d+|0000)-(\d\d-\d\d)T([\d:.]+)Z$/.exec(text);
  if (!match) return text;
  const [, isoYear = '', monthAndDay = '', time = ''] = match;
  const year = Number(isoYear);
  return year > 0
    ? `${year}-${monthAndDay} ${time}+00`
    : `${fourDigits(1 - year)}-${monthAndDay} ${time}+00 BC`;
}

function fourDigits(year: number): string {
  return String(year).padStart(4, '0');
}

/**
 * Day of the proleptic Gregorian calendar, over PostgreSQL's whole range, which is wider than that of `Date`. After
 * "days to civil" in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms": years begin in March, so that the
 * leap day is the last one.
 */
function civilDate(days: number): { readonly year: number; readonly monthAndDay: string } {
  const sinceYearZero = days + 719_468;
  const era = Math.floor(sinceYearZero / 146_097);
  const dayOfEra = sinceYearZero - era * 146_097;
  const leaps = Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return { year, monthAndDay: `${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}` };
}
