import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@banyan/postgres';
import { startTestShop, type TestShop } from '../testing/test-shop.ts';
import { createCustomer, createVisitor } from '../testing/visitor.ts';
import { safeNext } from './customer-session.ts';
import { hashPassword, verifyPassword } from './password.ts';

let testDatabase: TestDatabase;
let shop: TestShop;

beforeAll(async () => {
  testDatabase = await createTestDatabase('accounts');
  shop = await startTestShop(testDatabase.url);
});
afterAll(async () => {
  await shop.close();
  await testDatabase.drop();
});

test('signs up, says who one is, signs out and in again', async () => {
  const ann = await createCustomer(shop.url, 'Ann O’Hara <b>');
  expect((await ann.get('/')).text).toContain('Account (Ann O’Hara &lt;b&gt;)');
  const session: unknown = (await ann.get('/api/session')).json();
  expect(session).toEqual({
    customer: { id: expect.stringMatching(/^\d+$/) as unknown, displayName: 'Ann O’Hara <b>' },
  });

  expect((await ann.post('/sign-out')).location).toBe('/');
  expect((await ann.get('/api/session')).json()).toEqual({ customer: null });
  expect((await ann.get('/account')).location).toBe('/sign-in?next=%2Faccount');

  const back = await ann.post('/sign-in', {
    email: ann.email.toUpperCase(),
    password: 'a long password',
    next: '/orders',
  });
  expect([back.status, back.location]).toEqual([303, '/orders']);
  expect((await ann.get('/api/session')).json()).toEqual(session);
});

test('a signed-out session is of no use to someone who kept its cookie', async () => {
  const ann = await createCustomer(shop.url);
  const kept = ann.cookies.get('shop.sid') ?? '';
  await ann.post('/sign-out');
  const thief = createVisitor(shop.url);
  thief.cookies.set('shop.sid', kept);
  expect((await thief.get('/api/session')).json()).toEqual({ customer: null });
});

test('signing in changes the session’s id, and the cookie is not for scripts', async () => {
  const ann = await createCustomer(shop.url);
  const visitor = createVisitor(shop.url);
  await visitor.post('/cart/items', { slug: 'chair' });
  const before = visitor.cookies.get('shop.sid');
  const reply = await visitor.post('/sign-in', { email: ann.email, password: 'a long password' });
  expect(before).toBeDefined();
  expect(visitor.cookies.get('shop.sid')).not.toBe(before);
  expect(reply.headers.getSetCookie().join()).toMatch(/shop\.sid=.*HttpOnly; SameSite=Lax/);
});

test('a visitor who only looks gets no session', async () => {
  const visitor = createVisitor(shop.url);
  await visitor.get('/');
  expect([...visitor.cookies.keys()]).toEqual(['csrf']);
});

test('refuses a wrong password and an unknown address with the same words', async () => {
  const ann = await createCustomer(shop.url);
  const visitor = createVisitor(shop.url);
  for (const email of [ann.email, 'nobody@example.com']) {
    const reply = await visitor.post('/sign-in', { email, password: 'not the password' });
    expect(reply.status).toBe(401);
    expect(reply.text).toContain('do not belong together');
  }
  expect((await visitor.get('/api/session')).json()).toEqual({ customer: null });
});

test('wrong passwords for one account are throttled, by page and API together, also many at once', async () => {
  const ann = await createCustomer(shop.url);
  const wrong = { email: ann.email, password: 'not the password' };
  const guess = async () => (await createVisitor(shop.url).send('POST', '/api/session', wrong)).status;
  const statuses = await Promise.all(Array.from({ length: 14 }, guess));
  expect(statuses.filter((status) => status === 401)).toHaveLength(10);
  expect(statuses.filter((status) => status === 429)).toHaveLength(4);
  // The right one has to wait as well: else it would tell itself from the wrong ones.
  const page = await createVisitor(shop.url).post('/sign-in', { ...wrong, password: 'a long password' });
  expect(page.status).toBe(429);
  expect(Number(page.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(page.text).toMatch(/too many attempts to sign in. Please try again in \d+ minutes/);
  // Others sign in as ever.
  const bob = await createCustomer(shop.url);
  const signIn = { email: bob.email, password: 'a long password' };
  expect((await createVisitor(shop.url).send('POST', '/api/session', signIn)).status).toBe(201);
});

test('shows every fault of the sign-up form at its field and keeps what was typed', async () => {
  const visitor = createVisitor(shop.url);
  const reply = await visitor.post('/sign-up', { displayName: '', email: 'no "address"', password: 'short' });
  expect(reply.status).toBe(422);
  for (const field of ['displayName', 'email', 'password'])
    expect(reply.text).toContain(`id="${field}-error"`);
  expect(reply.text).toContain('value="no &#34;address&#34;"');
  expect(reply.text).not.toContain('short');
});

test('refuses an address that has an account', async () => {
  const ann = await createCustomer(shop.url);
  const again = { displayName: 'B', email: ann.email, password: 'another password' };
  const reply = await createVisitor(shop.url).send('POST', '/api/customers', again);
  expect(reply.status).toBe(409);
  expect(reply.json()).toMatchObject({
    error: { code: 'email-taken', fields: { email: expect.any(String) as unknown } },
  });
});

test('signs in and out by the API', async () => {
  const ann = await createCustomer(shop.url, 'Ann');
  const visitor = createVisitor(shop.url);
  const signIn = { email: ann.email, password: 'a long password' };
  expect((await visitor.send('POST', '/api/session', signIn)).json()).toMatchObject({
    customer: { displayName: 'Ann' },
  });
  expect((await visitor.send('DELETE', '/api/session')).status).toBe(204);
  expect((await visitor.get('/api/session')).json()).toEqual({ customer: null });
});

test('leads only to pages of this shop after signing in', () => {
  expect(safeNext('/orders?page=2')).toBe('/orders?page=2');
  for (const elsewhere of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/a\nb',
    '',
    undefined,
    ['/x'],
  ]) {
    expect(safeNext(elsewhere)).toBe('/');
  }
});

test('passwords are stored salted and hashed', async () => {
  const [one, two] = await Promise.all([hashPassword('secret words'), hashPassword('secret words')]);
  expect(one).toMatch(/^scrypt\$16384\$8\$1\$/);
  expect(one).not.toBe(two);
  expect(await verifyPassword('secret words', one)).toBe(true);
  expect(await verifyPassword('secret word', one)).toBe(false);
  expect(await verifyPassword('secret words', undefined)).toBe(false);
});
