import { describe, expect, test } from '@jest/globals';
import { defineSlice, SliceDefinitionError, type TableMapping } from './slice.ts';

const table: TableMapping = {
  source: 'public.notes',
  target: 'note',
  kind: 'owned',
  key: ['id'],
  columns: { id: 'note_id', title: 'headline' },
};

function problemsOf(...tables: readonly object[]): readonly string[] {
  try {
    defineSlice({
      name: 'notes',
      title: 'Notes',
      routes: [{ path: '/notes' }],
      tables: tables as readonly TableMapping[],
    });
    return [];
  } catch (error) {
    if (error instanceof SliceDefinitionError) return error.problems;
    throw error;
  }
}

test('a mapping with constants and personal columns is taken', () => {
  expect(
    problemsOf({ ...table, constants: { shop: 'main', rank: 1 }, personal: ['title', 'email'] }),
  ).toEqual([]);
});

describe('refused with the reason and what to do instead:', () => {
  test.each<[string, object, RegExp]>([
    ['a join', { ...table, join: { table: 'public.users' } }, /"join": .*never from a join.*Map both tables/],
    ['two sources', { ...table, source: ['public.a', 'public.b'] }, /source: .*never from a join/],
    ['a filter', { ...table, where: "status = 'x'" }, /"where": .*Copy the table whole/],
    ['a misspelt setting', { ...table, columms: {} }, /"columms" is not known; did you mean "columns"/],
    ['a masked key', { ...table, personal: ['id'] }, /key column "id" cannot be masked/],
    [
      'a constant over a mapped column',
      { ...table, constants: { headline: 'x' } },
      /two columns go to "headline"/,
    ],
    [
      'a constant that is no plain value',
      { ...table, constants: { a: new Date(0) } },
      /constants\.a: a constant is/,
    ],
    [
      'a constant that a double cannot hold',
      { ...table, constants: { a: 1e300 } },
      /constants\.a: a constant is/,
    ],
  ])('%s', (_, given, message) => {
    expect(problemsOf(given)).toEqual([expect.stringMatching(message)]);
  });

  test('two tables into one, which is a join by another name, and one table twice', () => {
    expect(problemsOf(table, { ...table, source: 'public.others' })).toEqual([
      expect.stringMatching(/two mappings have the target "note": .*never from a join/),
    ]);
    expect(problemsOf(table, { ...table, target: 'other' })).toEqual([
      expect.stringMatching(/two mappings have the source "public.notes"/),
    ]);
  });

  test('all of it at once', () => {
    expect(problemsOf({ ...table, join: 1, key: [] }, { ...table, kind: 'mine' })).toHaveLength(3);
  });
});
