import { expect, test } from '@jest/globals';
import { ShopError } from '../web/shop-error.ts';
import { createSignInThrottle } from './sign-in-throttle.ts';

const limits = { perAccount: 3, perAddress: 5, windowS: 60 };
const wrong = () => Promise.reject(new ShopError('wrong-credentials', 'no'));
const right = () => Promise.resolve('ann');

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'in',
    (error: unknown) => (error instanceof ShopError ? error.code : 'other'),
  );
}

test('an account is throttled from wherever the attempts come', async () => {
  const throttle = createSignInThrottle(limits);
  const from = (address: string) => codeOf(throttle.attempt({ account: 'ann', address }, wrong));
  expect([await from('1'), await from('2'), await from('3'), await from('4')]).toEqual([
    ...Array.from({ length: 3 }, () => 'wrong-credentials'),
    'too-many-attempts',
  ]);
});

test('an address is throttled for whichever accounts it tries', async () => {
  const throttle = createSignInThrottle(limits);
  const on = (account: string) => codeOf(throttle.attempt({ account, address: '1' }, wrong));
  for (const account of ['a', 'b', 'c', 'd', 'e']) expect(await on(account)).toBe('wrong-credentials');
  for (let n = 0; n < 5; n += 1) expect(await on('f')).toBe('too-many-attempts');
  // Nor does that lock the account for those who come from elsewhere.
  expect(await codeOf(throttle.attempt({ account: 'f', address: '2' }, right))).toBe('in');
});

test('right passwords cost nothing, and forget the wrong ones of their account', async () => {
  const throttle = createSignInThrottle(limits);
  const who = { account: 'ann', address: '1' };
  for (let n = 0; n < 20; n += 1) expect(await codeOf(throttle.attempt(who, right))).toBe('in');
  for (const outcome of [wrong, wrong, right, wrong, wrong]) await codeOf(throttle.attempt(who, outcome));
  expect(await codeOf(throttle.attempt(who, right))).toBe('in');
});

test('a database that is away is nobody’s wrong password', async () => {
  const throttle = createSignInThrottle(limits);
  const away = () => Promise.reject(new Error('ECONNREFUSED'));
  for (let n = 0; n < 10; n += 1) {
    expect(await codeOf(throttle.attempt({ account: 'ann', address: '1' }, away))).toBe('other');
  }
});
