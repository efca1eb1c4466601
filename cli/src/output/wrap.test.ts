import { expect, test } from '@jest/globals';
import { wrap } from './wrap.ts';

test('lines of the source are joined and broken anew, and paragraphs and items stay', () => {
  expect(wrap('one two\nthree four\n\n- five six\n  seven\n- eight', 9)).toBe(
    'one two\nthree\nfour\n\n- five\n  six\n  seven\n- eight',
  );
});
