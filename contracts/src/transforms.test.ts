import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { defineSlice, type FieldTransform } from './slice.ts';
import { expectInvertible, valuesOf } from './testing/index.ts';
import { renamedValues, transformFault } from './transforms.ts';

const sliceOf = (transform: FieldTransform) =>
  defineSlice({
    name: 'notes',
    title: 'Notes',
    routes: [{ path: '/notes' }],
    tables: [
      {
        source: 'public.notes',
        target: 'note',
        kind: 'owned',
        key: ['id'],
        columns: { id: 'id', v: { to: 'v', transform } },
      },
    ],
  });

describe('renamed values', () => {
  test('say other words, and leave the rest', () => {
    const transform = renamedValues('visibility', { published: 'visible', draft: 'hidden' });
    expect(['published', 'draft', 'gone', null, 7].map((value) => transform.forward(value))).toEqual([
      'visible',
      'hidden',
      'gone',
      null,
      7,
    ]);
    expect(['visible', 'hidden', 'gone', null, 7].map((value) => transform.inverse(value))).toEqual([
      'published',
      'draft',
      'gone',
      null,
      7,
    ]);
  });

  test('come back whatever words go round, in chains and in circles', () => {
    const words = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    fc.assert(
      fc.property(fc.uniqueArray(words), fc.uniqueArray(words), (from, to) => {
        const pairs = from.slice(0, to.length).map((word, i): [string, string] => [word, to[i] ?? '']);
        const transform = renamedValues('words', Object.fromEntries(pairs));
        for (const [word, other] of pairs) expect(transform.forward(word)).toBe(other);
        for (const word of ['a', 'b', 'c', 'd', 'e', 'f']) expect(transformFault(transform, word)).toBeNull();
      }),
    );
  });

  test('that become one are refused', () => {
    expect(() => renamedValues('words', { a: 'x', b: 'x' })).toThrow(RangeError);
  });
});

describe('expectInvertible', () => {
  test('finds the one text that does not come back, and names the column', () => {
    const lossy: FieldTransform = {
      name: 'upper',
      forward: (value) => (typeof value === 'string' ? value.toUpperCase() : value),
      inverse: (value) => (typeof value === 'string' ? value.toLowerCase() : value),
    };
    expect(() => expectInvertible(sliceOf(lossy), { 'public.notes.v': 'text' })).toThrow(
      /public\.notes\.v: the transform upper does not bring back ".+" \(another-value\)/,
    );
    expectInvertible(sliceOf(lossy), { 'public.notes.v': ['only', 'lower', 'case'] });
  });

  test('finds what throws at null, and what loses digits of 64 bits', () => {
    const strict = {
      name: 'strict',
      forward: (value: unknown) => (value as string).trim(),
      inverse: (v: unknown) => v,
    };
    expect(() => expectInvertible(sliceOf(strict as FieldTransform), { 'public.notes.v': 'uuid' })).toThrow(
      /forward-throws/,
    );
    const double: FieldTransform = {
      name: 'double',
      forward: (value) => (value === null ? null : Number(value)),
      inverse: (value) => value,
    };
    expect(() => expectInvertible(sliceOf(double), { 'public.notes.v': 'bigint' })).toThrow(/another-value/);
    expectInvertible(sliceOf(double), { 'public.notes.v': 'integer' });
  });

  test('wants to know of every column with a transform', () => {
    expect(() => expectInvertible(sliceOf(renamedValues('n', { a: 'b' })), {})).toThrow(
      'Say what public.notes.v can hold',
    );
    expect(() => valuesOf('hstore')).toThrow(RangeError);
  });
});
