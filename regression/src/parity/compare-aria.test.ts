import { expect, test } from '@jest/globals';
import { compareAria } from './compare-aria.ts';

const PAGE = `- main:
  - heading "Reviews of Oak table" [level=1]
  - paragraph: 4.2 out of 5 from 3 reviews
  - article:
    - heading "Fine" [level=2]
    - paragraph: Good.
  - article:
    - heading "Poor" [level=2]
    - paragraph: Bad.
  - article:
    - heading "Great" [level=2]
    - link "More":
      - /url: /more`;

test('a page does not differ from itself', () => {
  expect(compareAria(PAGE, PAGE)).toEqual([]);
});

test('a changed text is found with its place', () => {
  expect(compareAria(PAGE, PAGE.replace('4.2', '4.3'))).toEqual([
    {
      where: 'main[0] > paragraph[1]',
      expected: 'paragraph: 4.2 out of 5 from 3 reviews',
      actual: 'paragraph: 4.3 out of 5 from 3 reviews',
    },
  ]);
});

test('a missing article is one difference that holds its text', () => {
  const without = PAGE.replace(/ {2}- article:\n {4}- heading "Poor".*\n.*\n/, '');
  expect(compareAria(PAGE, without)).toEqual([
    {
      where: 'main[0] > article[3]',
      expected: 'article\n  heading "Poor" [level=2]\n  paragraph: Bad.',
      actual: null,
    },
  ]);
});

test("a heading's level and a link's address count", () => {
  expect(compareAria(PAGE, PAGE.replace('[level=1]', '[level=2]'))).toHaveLength(1);
  expect(compareAria(PAGE, PAGE.replace('/more', '/less'))).toHaveLength(1);
});

test('an addition is a difference too, as is another order', () => {
  expect(compareAria(PAGE, `${PAGE}\n- contentinfo: More`)).toEqual([
    { where: 'contentinfo[1]', expected: null, actual: 'contentinfo: More' },
  ]);
  const swapped = PAGE.replace('Fine', 'X').replace('Great', 'Fine').replace('X', 'Great');
  expect(compareAria(PAGE, swapped)).not.toEqual([]);
});

test('an empty page differs from any other', () => {
  expect(compareAria(PAGE, '')).not.toEqual([]);
  expect(compareAria('', PAGE)).not.toEqual([]);
});
