import { describe, expect, test } from '@jest/globals';
import { leftOutBy, UNAVAILABLE_VALUE, type Row } from '@banyan/contracts';
import { compileMapping, MappingError } from './mapping.ts';

const table = compileMapping({
  source: 'public.t',
  target: 't',
  kind: 'owned',
  key: ['b', 'a'],
  columns: {
    a: 'x',
    b: 'y',
    c: {
      to: 'z',
      transform: {
        name: 'double',
        forward(value) {
          if (typeof value !== 'number') throw new Error(`secret ${String(value)}`);
          return value * 2;
        },
        inverse: (value) => value,
      },
    },
  },
});

test('columns are renamed, transformed or dropped, and the key keeps its own order', () => {
  expect(table.forward({ a: 1, b: 'k', c: 4, d: 'not mapped' })).toEqual({ x: 1, y: 'k', z: 8 });
  expect(table.forwardKey({ a: 1, b: 'k', c: null })).toEqual(['k', 1]);
  expect(table.key).toEqual(['y', 'x']);
  expect(table.columns).toEqual(['x', 'y', 'z']);
});

test('a value that the WAL did not carry is left out, and its transform is not asked', () => {
  expect(table.forward({ a: 1, b: 'k', c: UNAVAILABLE_VALUE }, leftOutBy({}))).toEqual({ x: 1, y: 'k' });
});

describe('a row that does not fit is refused, with names and no values:', () => {
  test.each<[string, Row, string]>([
    ['a column that is missing', { a: 1, b: 'k' }, 'the event has no column "c"'],
    ['a transform that throws', { a: 1, b: 'k', c: 'hush' }, 'the transform of column "c" failed'],
    ['an object', { a: 1, b: { deep: 1 } as never, c: 1 }, 'column "b" is not a plain value'],
  ])('%s', (_, row, message) => {
    expect(() => table.forward(row)).toThrow(MappingError);
    expect(() => table.forward(row)).toThrow(message);
    expect(() => table.forward(row)).not.toThrow(/secret|hush/);
  });

  test('a key without a value', () => {
    expect(() => table.forwardKey({ a: null, b: 'k' })).toThrow('key column "a" has no value');
  });
});
