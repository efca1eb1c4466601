import { expect, test } from '@jest/globals';
import { parseArrayLiteral } from './array-literal.ts';

test.each([
  ['{}', []],
  ['{a,b}', ['a', 'b']],
  ['{NULL,"NULL",null}', [null, 'NULL', null]],
  ['{"",a}', ['', 'a']],
  ['{"a,b","say \\"hi\\"","back\\\\slash","{}"}', ['a,b', 'say "hi"', 'back\\slash', '{}']],
  [
    '{{1,2},{3,NULL}}',
    [
      ['1', '2'],
      ['3', null],
    ],
  ],
  ['[0:1]={1,2}', ['1', '2']],
  ['{größe,"日本 語"}', ['größe', '日本 語']],
])('%s', (text, elements) => {
  expect(parseArrayLiteral(text)).toEqual(elements);
});

test.each(['', 'a', '{', '{a', '{"a}', '{a}b', '{a,b', '{{a}'])('refuses %j', (text) => {
  expect(() => parseArrayLiteral(text)).toThrow(RangeError);
});
