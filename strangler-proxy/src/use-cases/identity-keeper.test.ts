import { expect, test } from '@jest/globals';
import { createIdentityKeeper } from './identity-keeper.ts';
import type { SessionCustomer } from './ports.ts';

const signer = {
  sign: ({ sub }: { sub: string }, audience: string) => Promise.resolve(`${sub} for ${audience}`),
};

function startKeeper(lookUp: (cookie: string) => Promise<SessionCustomer | null>, maxEntries = 10) {
  const asked: string[] = [];
  const clock = { nowMs: 0 };
  const keeper = createIdentityKeeper({
    lookUp: (cookie) => {
      asked.push(cookie);
      return lookUp(cookie);
    },
    signer,
    nowMs: () => clock.nowMs,
    ttlMs: 1_000,
    maxEntries,
  });
  return { keeper, asked, clock };
}

test('asks once for requests that come together, and again when the answer is old or forgotten', async () => {
  const { keeper, asked, clock } = startKeeper(() => Promise.resolve({ id: '1', displayName: 'Ada' }));
  const [one, two] = await Promise.all([keeper.identify('s'), keeper.identify('s')]);
  expect(one).toBe(two);
  expect(await one.tokenFor('reviews')).toBe('1 for reviews');
  expect(asked).toHaveLength(1);
  clock.nowMs = 1_000;
  await keeper.identify('s');
  expect(asked).toHaveLength(2);
  keeper.forget('s');
  await keeper.identify('s');
  expect(asked).toHaveLength(3);
});

test('remembers that nobody is signed in, but not that it could not be found out', async () => {
  let isUp = false;
  const { keeper, asked } = startKeeper(() =>
    isUp ? Promise.resolve(null) : Promise.reject(new Error('down')),
  );
  await expect(keeper.identify('s')).rejects.toThrow('down');
  isUp = true;
  const identity = await keeper.identify('s');
  expect([identity.customer, await identity.tokenFor('reviews')]).toEqual([null, null]);
  await keeper.identify('s');
  expect(asked).toHaveLength(2);
});

test('does not remember an answer that was asked for before the session was forgotten', async () => {
  const { keeper, asked } = startKeeper(() => Promise.resolve({ id: '1', displayName: 'Ada' }));
  const underWay = keeper.identify('s');
  keeper.forget('s');
  await underWay;
  await keeper.identify('s');
  expect(asked).toHaveLength(2);
});

test('remembers so many sessions and no more', async () => {
  const { keeper, asked } = startKeeper(() => Promise.resolve(null), 3);
  for (const cookie of ['a', 'b', 'c', 'd']) await keeper.identify(cookie);
  asked.length = 0;
  for (const cookie of ['d', 'c', 'b', 'a']) await keeper.identify(cookie);
  expect(asked).toEqual(['a']);
});
