import { expect, test } from '@jest/globals';
import { planVisit, type Step } from './behaviour.ts';
import { createRandom } from './random.ts';

const plans = Array.from({ length: 300 }, (_, seed) => planVisit(createRandom(seed)));

test('the same seed plans the same visit', () => {
  expect(planVisit(createRandom(5))).toEqual(planVisit(createRandom(5)));
});

test('every kind of step comes up within some hundred visits', () => {
  const all: Readonly<Record<Step, true>> = {
    home: true,
    category: true,
    product: true,
    reviews: true,
    'reviews-next-page': true,
    'api-product': true,
    'api-reviews': true,
    enter: true,
    'add-to-cart': true,
    cart: true,
    checkout: true,
    orders: true,
    'write-review': true,
    'own-review': true,
    'api-own-review': true,
    leave: true,
  };
  expect(new Set(plans.flat())).toEqual(new Set(Object.keys(all)));
});

test('nobody buys, reviews or leaves before he has entered', () => {
  for (const plan of plans) {
    const entered = plan.indexOf('enter');
    for (const step of ['add-to-cart', 'checkout', 'write-review', 'leave'] as const) {
      if (plan.includes(step)) expect(plan.indexOf(step)).toBeGreaterThan(entered);
    }
    if (plan.includes('checkout')) expect(entered).toBeGreaterThan(-1);
  }
});

test('a review is looked for at once after it is written, on the page and in the API, and again later', () => {
  const writing = plans.filter((plan) => plan.includes('write-review'));
  expect(writing.length).toBeGreaterThan(30);
  for (const plan of writing) {
    const at = plan.indexOf('write-review');
    expect(plan.slice(at + 1, at + 3)).toEqual(['own-review', 'api-own-review']);
    expect(plan.lastIndexOf('own-review')).toBeGreaterThan(at + 2);
  }
});

test('habits decide how many visits enter at all', () => {
  const never = planVisit(createRandom(3), { entering: 0, buying: 1, reviewing: 1 });
  const always = planVisit(createRandom(3), { entering: 1, buying: 1, reviewing: 1 });
  expect(never).not.toContain('enter');
  expect(always).toEqual(expect.arrayContaining(['enter', 'checkout', 'write-review']));
});
