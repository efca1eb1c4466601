import { expect, test } from '@jest/globals';
import { categoryLinks, productLinks, showsText } from './shop-pages.ts';

const PAGE = `<nav><a class="x" href="/categories/tables">Tables</a></nav>
  <a href="/products/oak-table"><img src="/products/oak-table/image.svg"></a>
  <a href="/products/oak-table">Oak table</a> <a href="/products/oak-table/reviews">Reviews</a>
  <a href="/products/lamp-2"> Lamp </a>`;

test('links to products and categories are found once each, other links are not taken for them', () => {
  expect(productLinks(PAGE)).toEqual(['oak-table', 'lamp-2']);
  expect(categoryLinks(PAGE)).toEqual(['tables']);
});

test('a text counts as shown when an element holds it, not when a form field does', () => {
  expect(showsText('<h3>\n  Fine (a-1)\n</h3>', 'Fine (a-1)')).toBe(true);
  expect(showsText('<input value="Fine (a-1)">', 'Fine (a-1)')).toBe(false);
  expect(showsText('<h3>Fine (a-12)</h3>', 'Fine (a-1)')).toBe(false);
});
