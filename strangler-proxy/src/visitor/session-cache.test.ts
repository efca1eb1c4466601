import { expect, test } from '@jest/globals';
import { createSessionCache } from './session-cache.ts';
import { SHOP_SESSION } from '../testing/fixtures.ts';
import type { Credential, LookUpSource, SessionCustomer } from './credential.ts';

const session = (value: string): Credential => ({
  kind: 'look-up',
  source: SHOP_SESSION as LookUpSource,
  value,
});

const signer = {
  sign: ({ sub }: { sub: string }, audience: string) => Promise.resolve(`${sub} for ${audience}`),
};

function startCache(lookUp: (cookie: string) => Promise<SessionCustomer | null>, maxEntries = 10) {
  const asked: string[] = [];
  const clock = { nowMs: 0 };
  const cache = createSessionCache({
    lookUp: (_source, cookie) => {
      asked.push(cookie);
      return lookUp(cookie);
    },
    signer,
    nowMs: () => clock.nowMs,
    ttlMs: 1_000,
    maxEntries,
  });
  return { cache, asked, clock };
}

test('asks once for requests that come together, and again when the answer is old or forgotten', async () => {
  const { cache, asked, clock } = startCache(() => Promise.resolve({ id: '1', displayName: 'Ada' }));
  const [one, two] = await Promise.all([cache.identify(session('s')), cache.identify(session('s'))]);
  expect(one).toBe(two);
  expect(await one.tokenFor('reviews')).toBe('1 for reviews');
  expect(asked).toHaveLength(1);
  clock.nowMs = 1_000;
  await cache.identify(session('s'));
  expect(asked).toHaveLength(2);
  cache.forget(session('s'));
  await cache.identify(session('s'));
  expect(asked).toHaveLength(3);
});

test('remembers that nobody is signed in, but not that it could not be found out', async () => {
  let isUp = false;
  const { cache, asked } = startCache(() =>
    isUp ? Promise.resolve(null) : Promise.reject(new Error('down')),
  );
  await expect(cache.identify(session('s'))).rejects.toThrow('down');
  isUp = true;
  const identity = await cache.identify(session('s'));
  expect([identity.customer, await identity.tokenFor('reviews')]).toEqual([null, null]);
  await cache.identify(session('s'));
  expect(asked).toHaveLength(2);
});

test('does not remember an answer that was asked for before the session was forgotten', async () => {
  const { cache, asked } = startCache(() => Promise.resolve({ id: '1', displayName: 'Ada' }));
  const underWay = cache.identify(session('s'));
  cache.forget(session('s'));
  await underWay;
  await cache.identify(session('s'));
  expect(asked).toHaveLength(2);
});

test('remembers so many sessions and no more', async () => {
  const { cache, asked } = startCache(() => Promise.resolve(null), 3);
  for (const cookie of ['a', 'b', 'c', 'd']) await cache.identify(session(cookie));
  asked.length = 0;
  for (const cookie of ['d', 'c', 'b', 'a']) await cache.identify(session(cookie));
  expect(asked).toEqual(['a']);
});

test('a gateway’s word needs no question, and holds for the name it gives', async () => {
  const { cache, asked } = startCache(() => Promise.reject(new Error('not to be asked')));
  const named = (displayName: string): Credential => ({ kind: 'named', customer: { id: '7', displayName } });
  expect((await cache.identify(named('Ada'))).customer).toEqual({ id: '7', displayName: 'Ada' });
  expect((await cache.identify(named('Lady Lovelace'))).customer?.displayName).toBe('Lady Lovelace');
  expect(asked).toEqual([]);
});

test('a cookie and a token of one value are two', async () => {
  const { cache, asked } = startCache(() => Promise.resolve(null));
  const bearer: LookUpSource = { bearer: { lookUp: '/me', id: 'id', name: 'name' } };
  await cache.identify(session('s'));
  await cache.identify({ kind: 'look-up', source: bearer, value: 's' });
  expect(asked).toEqual(['s', 's']);
});
