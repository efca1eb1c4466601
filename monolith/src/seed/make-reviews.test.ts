import { expect, test } from '@jest/globals';
import { createRandom } from '../random.ts';
import { makeCatalog } from './make-catalog.ts';
import { makeReviews } from './make-reviews.ts';

const departments = ['seating', 'tables', 'lighting', 'textiles', 'kitchen', 'storage'];
const products = makeCatalog(createRandom(1), departments, 120);
const reviews = makeReviews(createRandom(2), {
  sorts: products.map(({ sort }) => sort),
  customers: 200,
  count: 4_000,
});

test('what is said of a product fits it: a mug neither came assembled nor wobbles', () => {
  for (const { productIndex, body } of reviews) {
    const { sort, name } = products[productIndex] ?? { sort: '', name: '' };
    const said = `${name}: ${body}`;
    if (sort !== 'furniture') expect(said).not.toMatch(/assembled|put together|Wobbled|old one|felt pads/);
    if (sort !== 'textiles') expect(said).not.toMatch(/first wash|shed all|So soft/);
    if (sort !== 'lighting') expect(said).not.toMatch(/bulb|cord|lamp/);
  }
  expect(new Set(products.map(({ sort }) => sort)).size).toBe(5);
});

test('and so does its description', () => {
  for (const { name, sort, description } of products) {
    const said = `${name}: ${description}`;
    if (sort !== 'furniture') expect(said).not.toMatch(/assembled|one tool/i);
    if (sort === 'textiles') expect(said).not.toMatch(/damp cloth|Spare parts/);
  }
});

test('nobody recommends what he complains of', () => {
  for (const { rating, body } of reviews)
    if (rating < 4) expect(body).not.toMatch(/Would recommend|wants one/);
});
