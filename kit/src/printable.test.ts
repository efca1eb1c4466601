import { describe, expect, test } from '@jest/globals';
import { printable, printableDeep, printableJson, printableLines } from './printable.ts';

describe('what could deceive is shown, not done:', () => {
  test.each([
    ['an ANSI escape', 'a\u001b[2Jb', 'a\\u001b[2Jb'],
    ['its one-character form', 'a\u009b2Jb', 'a\\u009b2Jb'],
    ['a carriage return, which writes over the line', 'ok\rno', 'ok\\u000dno'],
    ['a line break, which begins an entry of its own', 'ok\nno', 'ok\\u000ano'],
    ['a bidirectional override', 'a\u202eb', 'a\\u202eb'],
    ['an isolate', 'a\u2066b', 'a\\u2066b'],
    ['an invisible space', 'a\u200bb', 'a\\u200bb'],
    ['a line separator', 'a\u2028b', 'a\\u2028b'],
    ['a tag beyond the first plane', 'a\u{e0041}b', 'a\\udb40\\udc41b'],
    ['half of a pair', 'a\ud800b', 'a\\ud800b'],
  ])('%s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
    expect(printable(shown)).toBe(shown);
  });
});

test('words of any script, emoji and their joiners stay as they are', () => {
  for (const text of ['Größe', '評価', 'می\u200cخواهم', '👩\u200d💻', 'a\\b', 'שלום'])
    expect(printable(text)).toBe(text);
});

test('lines and tabs stay where several lines are wanted', () => {
  expect(printableLines('a\n\tb\u001b[1m')).toBe('a\n\tb\\u001b[1m');
});

test('every text inside a value is made printable, keys too, and nothing else changes', () => {
  expect(printableDeep({ 'a\u001b': ['b\u202e', 1, null, true] })).toEqual({
    'a\\u001b': ['b\\u202e', 1, null, true],
  });
});

test('JSON is the same value, and holds nothing that a terminal obeys', () => {
  const value = { by: 'a\u009b2J\u202e\u{e0041}\nb' };
  const line = printableJson(value);
  expect(JSON.parse(line)).toEqual(value);
  expect(line).toMatch(/^[\x20-\x7e]*$/);
});
