import { expect, test } from '@jest/globals';
import { inventOpinion, kindOf } from './opinions.ts';
import { createRandom } from './random.ts';

test.each([
  ['marlow-oak-dining-chair', 'furniture'],
  ['tansy-walnut-chest-of-drawers-no-2', 'furniture'],
  ['fennel-oak-side-table', 'furniture'],
  ['wren-brass-table-lamp', 'lighting'],
  ['ashby-wool-throw-no-3', 'textiles'],
  ['heron-stoneware-mug', 'kitchen'],
  ['otter-olive-wood-chopping-board', 'kitchen'],
  ['rowan-felt-storage-box', 'baskets'],
  ['something-else', null],
])('%s is of the kind %s', (slug, kind) => {
  expect(kindOf(slug)).toBe(kind);
});

const opinions = (slug: string, count: number) => {
  const random = createRandom(9);
  return Array.from({ length: count }, (_, index) => inventOpinion(random, (index % 5) + 1, slug));
};

test('nobody writes a number of an account into a title, or puts a mug together', () => {
  for (const { title, body } of opinions('heron-stoneware-mug', 500)) {
    expect(title).toMatch(/^[A-Z][A-Za-z ,]+$/);
    expect(body).not.toMatch(/assembl|together|wobbl|screw|leg /i);
  }
});

test('two alike are rare', () => {
  const bodies = opinions('heron-stoneware-mug', 500).map(({ body }) => body);
  expect(bodies.length - new Set(bodies).size).toBeLessThan(10);
});

test('no text needs escaping in HTML, so that it is found on a page as it was written', () => {
  for (const { body } of opinions('wren-brass-table-lamp', 500)) expect(body).not.toMatch(/['"&<>]/);
});
