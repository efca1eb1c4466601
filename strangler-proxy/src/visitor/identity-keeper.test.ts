import { expect, test } from '@jest/globals';
import { createIdentityKeeper } from './identity-keeper.ts';
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

function startKeeper(lookUp: (cookie: string) => Promise<SessionCustomer | null>, maxEntries = 10) {
  const asked: string[] = [];
  const clock = { nowMs: 0 };
  const keeper = createIdentityKeeper({
    lookUp: (_source, cookie) => {
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
  const [one, two] = await Promise.all([keeper.identify(session('s')), keeper.identify(session('s'))]);
  expect(one).toBe(two);
  expect(await one.tokenFor('reviews')).toBe('1 for reviews');
  expect(asked).toHaveLength(1);
  clock.nowMs = 1_000;
  await keeper.identify(session('s'));
  expect(asked).toHaveLength(2);
  keeper.forget(session('s'));
  await keeper.identify(session('s'));
  expect(asked).toHaveLength(3);
});

test('remembers that nobody is signed in, but not that it could not be found out', async () => {
  let isUp = false;
  const { keeper, asked } = startKeeper(() =>
    isUp ? Promise.resolve(null) : Promise.reject(new Error('down')),
  );
  await expect(keeper.identify(session('s'))).rejects.toThrow('down');
  isUp = true;
  const identity = await keeper.identify(session('s'));
  expect([identity.customer, await identity.tokenFor('reviews')]).toEqual([null, null]);
  await keeper.identify(session('s'));
  expect(asked).toHaveLength(2);
});

test('does not remember an answer that was asked for before the session was forgotten', async () => {
  const { keeper, asked } = startKeeper(() => Promise.resolve({ id: '1', displayName: 'Ada' }));
  const underWay = keeper.identify(session('s'));
  keeper.forget(session('s'));
  await underWay;
  await keeper.identify(session('s'));
  expect(asked).toHaveLength(2);
});

test('remembers so many sessions and no more', async () => {
  const { keeper, asked } = startKeeper(() => Promise.resolve(null), 3);
  for (const cookie of ['a', 'b', 'c', 'd']) await keeper.identify(session(cookie));
  asked.length = 0;
  for (const cookie of ['d', 'c', 'b', 'a']) await keeper.identify(session(cookie));
  expect(asked).toEqual(['a']);
});

test('a gateway’s word needs no question, and holds for the name it gives', async () => {
  const { keeper, asked } = startKeeper(() => Promise.reject(new Error('not to be asked')));
  const named = (displayName: string): Credential => ({ kind: 'named', customer: { id: '7', displayName } });
  expect((await keeper.identify(named('Ada'))).customer).toEqual({ id: '7', displayName: 'Ada' });
  expect((await keeper.identify(named('Lady Lovelace'))).customer?.displayName).toBe('Lady Lovelace');
  expect(asked).toEqual([]);
});

test('a cookie and a token of one value are two', async () => {
  const { keeper, asked } = startKeeper(() => Promise.resolve(null));
  const bearer: LookUpSource = { bearer: { lookUp: '/me', id: 'id', name: 'name' } };
  await keeper.identify(session('s'));
  await keeper.identify({ kind: 'look-up', source: bearer, value: 's' });
  expect(asked).toEqual(['s', 's']);
});
