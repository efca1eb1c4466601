import { parseSourceType, type SourceType } from './source-type.ts';

/**
 * What would go wrong with values of this type in a column of PostgreSQL, and what to do; null when nothing does. Fits
 * is what comes back with the same canonical text, so that a verification finds no difference.
 */
export function postgresMisfit(source: SourceType, targetType: string, isKey: boolean): string | null {
  const target = parseSourceType(targetType);
  if (source.kind === 'other' || target.kind === 'other') return null; // only the database knows
  if (target.kind === 'text' && source.kind !== 'text') return textMisfit(source, target, isKey);
  const misfit = misfits[source.kind] as (from: SourceType, to: SourceType) => string | null;
  return misfit(source, target);
}

type Of<K extends SourceType['kind']> = Extract<SourceType, { kind: K }>;

/** Kinds of values whose type has one counterpart. */
const same =
  (remedy: string) =>
  (source: SourceType, target: SourceType): string | null =>
    source.kind === target.kind ? null : `its values are not of that type; use ${remedy}`;

const misfits: {
  readonly [K in Exclude<SourceType['kind'], 'other'>]: (source: Of<K>, target: SourceType) => string | null;
} = {
  integer: integerMisfit,
  decimal: decimalMisfit,
  float: (source, target) =>
    target.kind === 'float' && target.bits >= source.bits
      ? null
      : `it would lose digits; use ${source.bits === 64 ? 'double precision' : 'real'}`,
  text: stringMisfit,
  boolean: (_source, target) =>
    target.kind === 'boolean' || target.kind === 'integer' ? null : 'use boolean, or an integer for 1 and 0',
  bytes: same('bytea'),
  json: (_source, target) =>
    target.kind === 'json'
      ? null
      : target.kind === 'jsonb'
        ? 'jsonb writes it otherwise; use json'
        : 'use json',
  jsonb: (_source, target) => (target.kind === 'jsonb' || target.kind === 'json' ? null : 'use jsonb'),
  date: (_source, target) =>
    target.kind === 'date' || isWideInteger(target, 32) ? null : 'use date, or integer for days since 1970',
  time: momentMisfit,
  timestamp: momentMisfit,
  timestamptz: (source, target) =>
    target.kind !== 'timestamptz'
      ? 'the moment would lose its zone or its time of day; use timestamp with time zone'
      : target.digits === source.digits
        ? null
        : 'its text has as many digits as the source writes; use the same precision',
  formed: (source, target) =>
    target.kind === 'formed' && target.name === source.name ? null : `use ${source.name}`,
  array: (source, target) => {
    if (target.kind === 'json') return null;
    if (target.kind === 'jsonb') return 'jsonb writes it otherwise; use json, or an array';
    if (target.kind !== 'array') return 'use an array of the same type, or json';
    if (target.element.kind === 'other' && target.element.name === 'box') {
      return 'PostgreSQL writes arrays of box with another delimiter; use text[], or json';
    }
    if (source.element.kind === 'other' || target.element.kind === 'other') return null;
    const misfit = misfits[source.element.kind] as (from: SourceType, to: SourceType) => string | null;
    return misfit(source.element, target.element);
  },
};

function textMisfit(source: SourceType, target: Of<'text'>, isKey: boolean): string | null {
  if (source.kind === 'integer' && isKey) return 'a key of numbers would sort as text; use an integer';
  if (target.padded) return 'blanks would be added; use text';
  return target.length === null ? null : 'longer texts would be refused; use text';
}

function stringMisfit(source: Of<'text'>, target: SourceType): string | null {
  if (target.kind !== 'text') return 'a text may be anything; use text, or a transform';
  if (target.padded && !(source.padded && source.length === target.length)) {
    return 'blanks would be added or cut off; use text';
  }
  const isShorter = target.length !== null && (source.length === null || target.length < source.length);
  return isShorter ? 'longer texts would be refused; use text, or at least the same length' : null;
}

const digitsOf = { 16: 5, 32: 10, 64: 19 } as const;

function integerMisfit(source: Of<'integer'>, target: SourceType): string | null {
  const bigger = `use ${{ 16: 'smallint', 32: 'integer', 64: 'bigint' }[source.bits]}`;
  if (target.kind === 'integer') {
    return target.bits >= source.bits ? null : `greater numbers would be refused; ${bigger}`;
  }
  if (target.kind === 'float') {
    return target.bits > source.bits ? null : `greater numbers lose digits; ${bigger}`;
  }
  if (target.kind !== 'decimal') return `its values are not of that type; ${bigger}`;
  if (target.scale !== null && target.scale !== 0) return `zeros would be added; ${bigger}`;
  return target.precision === null || target.precision >= digitsOf[source.bits]
    ? null
    : `greater numbers would be refused; ${bigger}`;
}

function decimalMisfit(source: Of<'decimal'>, target: SourceType): string | null {
  if (target.kind === 'float') return 'it would become a double and lose digits; use numeric';
  if (target.kind !== 'decimal') return 'use numeric';
  if (target.precision === null) return null;
  const { precision, scale } = source;
  if (precision === null || scale === null || target.scale !== scale) {
    return 'digits would be cut off or added; use numeric, or the same scale';
  }
  return target.precision < precision ? 'greater numbers would be refused; use numeric' : null;
}

function momentMisfit(source: Of<'time' | 'timestamp'>, target: SourceType): string | null {
  if (isWideInteger(target, 64)) return null;
  if (target.kind !== source.kind || !('digits' in target)) {
    return `use ${source.kind}, or bigint for microseconds`;
  }
  return precisionMisfit(source.digits, target.digits);
}

function precisionMisfit(source: number, target: number): string | null {
  return target >= source ? null : 'fractions of a second would be rounded; use the same precision';
}

function isWideInteger(target: SourceType, bits: number): boolean {
  return target.kind === 'integer' && target.bits >= bits;
}
