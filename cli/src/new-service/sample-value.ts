import { OPEN_MARK, type PlannedColumn } from './service-plan.ts';

const constant = (text: string): string => `'${text}'`;
const zeros = (digits: number): string => (digits === 0 ? '' : `.${'0'.repeat(digits)}`);

/** The numbers in brackets of a type's name, e.g. 10 and 2 of `numeric(10,2)`. */
function modifiersOf(type: string): readonly number[] {
  return /\(([\d,]+)\)/.exec(type)?.[1]?.split(',').map(Number) ?? [];
}

/**
 * An expression of `n` for the column in row number `n`, as the feed tells values of its type
 * (docs/reference/envelope-types.md). Different for each `n` wherever a key may need that.
 */
export function sampleValue({ name, type, kind }: PlannedColumn): string {
  const [first, second = 0] = modifiersOf(type);
  switch (kind) {
    case 'integer':
    case 'float':
      return 'n';
    case 'decimal':
      return `\`\${n}${zeros(second)}\``;
    case 'text':
      return textValue(name, type, first);
    case 'boolean':
      return 'n % 2 === 0';
    case 'date':
      return '20_000 + n';
    case 'time':
      return 'n * 1_000_000';
    case 'timestamp':
      return '1_767_225_600_000_000 + n * 1_000_000';
    case 'timestamptz':
      return constant(`2026-01-01T00:00:00${zeros(first ?? 6)}Z`);
    case 'bytes':
      return constant('AAEC');
    case 'json':
    case 'jsonb':
      return constant('{}');
    case 'array':
      return '[]';
    case 'formed':
      return formedValue(type);
    case 'other':
      return `${constant('')} /* ${OPEN_MARK}: a value of ${type.replaceAll('*/', '')} */`;
  }
}

function textValue(name: string, type: string, length: number | undefined): string {
  if (type.startsWith('character(') && length !== undefined) return `String(n).padEnd(${length})`;
  const stem = sampleStem(name);
  return length === undefined || length >= stem.length + 3 ? `\`${stem}\${n}\`` : 'String(n)';
}

/** What texts of a column begin with in the sample rows. */
const sampleStem = (name: string): string => `${name.replaceAll(/[^A-Za-z0-9-]/g, '-').toLowerCase()}-`;

function formedValue(type: string): string {
  if (type === 'uuid') return "`00000000-0000-4000-8000-${String(n).padStart(12, '0')}`";
  if (type === 'inet') return '`10.0.0.${n}`';
  if (type === 'interval') return constant('P0Y0M1DT0H0M0S');
  return `${constant('')} /* ${OPEN_MARK}: a value of ${type} */`;
}

/** The text that a parameter of a path is asked with, where it names a column: of the first row, and of none. */
export function sampleParameter(
  param: string,
  columns: readonly PlannedColumn[],
): { readonly one: string; readonly none: string } {
  const column = columns.find(({ name }) => name.toLowerCase() === param.toLowerCase());
  if (column?.kind === 'text') {
    const expression = sampleValue(column);
    const one = expression === 'String(n)' ? '1' : `${sampleStem(column.name)}1`;
    return { one, none: `no-such-${param.toLowerCase().replaceAll('_', '-')}` };
  }
  if (column?.type === 'uuid') {
    const uuid = (end: string): string => `00000000-0000-4000-8000-${end.padStart(12, '0')}`;
    return { one: uuid('1'), none: uuid('999999') };
  }
  return { one: '1', none: '999999' };
}
