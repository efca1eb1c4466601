import { expect, test } from '@jest/globals';
import { describeFailures } from './customer-watch.ts';

test('failures are told by how many there are and by the reasons of the last few', () => {
  const recent = [
    'home: connect ECONNREFUSED',
    'cart: status 503',
    'home: status 503',
    'own-review: stale: not there',
  ];
  expect(describeFailures({ errors: 20, staleReads: 1 }, recent)).toBe(
    '20 errors, 1 stale reads: 1 x connect ECONNREFUSED, 2 x status 503, 1 x stale: not there',
  );
});

test('reasons of earlier failures are not told again', () => {
  const recent = ['home: connect ECONNREFUSED', 'cart: status 503'];
  expect(describeFailures({ errors: 1, staleReads: 0 }, recent)).toBe(
    '1 errors, 0 stale reads: 1 x status 503',
  );
});
