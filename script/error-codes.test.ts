import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codesIn, errorCodes } from './error-codes.ts';

const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'reference', 'errors.md'), 'utf8');
const parts = errorCodes();

interface Section {
  readonly part: string;
  /** Codes of each of its tables, in their order. */
  readonly tables: readonly (readonly string[])[];
  /** Rows that lack a cause or a remedy. */
  readonly bare: readonly string[];
}

const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text): Section => {
    const rows = [...text.matchAll(/^\| `([^`]+)` *\|(.*)\|$/gm)];
    const part = text.split('\n', 1)[0] ?? '';
    return {
      part,
      tables: text
        .split(/^\| -+ .*$/m)
        .slice(1)
        .map((table) => [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, code = '']) => code)),
      bare: rows
        .filter(([, , cells = '']) => cells.split(' | ').some((cell) => cell.trim() === ''))
        .map(([, code = '']) => code),
    };
  });

describe('docs/reference/errors.md', () => {
  test('has a section for each part of the source that gives codes', () => {
    const wanted = [...parts].filter(([, codes]) => codes.size > 0).map(([part]) => part);
    expect(sections.map(({ part }) => part).sort()).toEqual(wanted.sort());
  });

  test.each(sections)('explains under $part every code of that part, and no other', ({ part, tables }) => {
    expect(tables.flat().sort()).toEqual([...(parts.get(part) ?? [])].sort());
  });

  test.each(sections)('has the tables of $part sorted, with a cause and a remedy in each row', (section) => {
    for (const codes of section.tables) expect(codes).toEqual([...codes].sort());
    expect(section.bare).toEqual([]);
  });
});

test.each([
  ['a constant property', "class A extends Error { readonly code = 'a-b'; }"],
  ['a property of a union', "interface A { readonly code: 'a-b' | null }"],
  ['a type of codes', "type FailureCode = 'a-b';"],
  ['the keys of a table of codes', "const t = { 'a-b': 1 } as const; type FailureCode = keyof typeof t;"],
  ["an error's type argument", "class A extends CodedError<'a-b'> {}"],
  ['a value', "fail({ code: isLate ? 'a-b' : null });"],
  [
    "a constructor's argument",
    "class A extends Error { constructor(kind: string, code: string) {} } new A('refused', 'a-b');",
  ],
  ['a parameter', "const fail = (code: 'a-b') => code;"],
])('a code is found in %s', (_where, source) => {
  expect([...codesIn(source)]).toEqual(['a-b']);
});

test('what has other names, or is none of ours, is no code', () => {
  const source = "context.addIssue({ code: 'custom' }); const e = { kind: 'refused', code: 'ECONNRESET' };";
  expect([...codesIn(source)]).toEqual([]);
});
