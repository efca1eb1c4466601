import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BUCKETS, dealCohort, isIn } from './cohort.ts';

const share = fc.double({ min: 0, max: 1, noNaN: true });

describe('a cohort', () => {
  test('never loses anybody when the share rises', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), share, share, (key, salt, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        const wasIn = isIn(dealCohort(key, { salt, share: low }));
        return !wasIn || isIn(dealCohort(key, { salt, share: high }));
      }),
    );
  });

  test('takes nobody at share 0 and everybody at share 1', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (key, salt) => {
        expect(isIn(dealCohort(key, { salt, share: 0 }))).toBe(false);
        expect(isIn(dealCohort(key, { salt, share: 1 }))).toBe(true);
      }),
    );
  });

  test('takes about the share asked for of many visitors', () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => `visitor-${i}`);
    const taken = keys.filter((key) => isIn(dealCohort(key, { salt: 'reviews-1', share: 0.25 }))).length;
    expect(taken / keys.length).toBeGreaterThan(0.24);
    expect(taken / keys.length).toBeLessThan(0.26);
  });

  test('is dealt anew with another salt', () => {
    const keys = Array.from({ length: 1_000 }, (_, i) => `visitor-${i}`);
    const bucket = (key: string, salt: string): number => dealCohort(key, { salt, share: 0.5 }).bucket;
    const same = keys.filter((key) => bucket(key, 'one') === bucket(key, 'two')).length;
    expect(same).toBeLessThan(10);
    expect(keys.every((key) => bucket(key, 'one') < BUCKETS)).toBe(true);
  });
});
