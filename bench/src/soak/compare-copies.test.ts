import { expect, test } from '@jest/globals';
import { compareCopies } from './compare-copies.ts';

const rows = (...entries: [string, string][]): ReadonlyMap<string, string> => new Map(entries);

test('equal sides have no problem, in whatever order', () => {
  expect(compareCopies(rows(['1', 'a'], ['2', 'b']), rows(['2', 'b'], ['1', 'a']))).toEqual({
    missing: [],
    extra: [],
    different: [],
    count: 0,
  });
});

test('a lost row, one that came back and one with another value are each found', () => {
  const acknowledged = rows(['1', 'a'], ['2', 'b'], ['3', 'c']);
  expect(compareCopies(acknowledged, rows(['1', 'a'], ['2', 'B'], ['4', 'd']))).toEqual({
    missing: ['3'],
    extra: ['4'],
    different: ['2'],
    count: 3,
  });
});

test('all are counted, though only the first few are named', () => {
  const many = new Map(Array.from({ length: 25 }, (_, i): [string, string] => [String(i), 'x']));
  const { missing, count } = compareCopies(many, new Map());
  expect(missing).toHaveLength(10);
  expect(count).toBe(25);
});
