import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { defineSlice } from '@banyan/contracts';
import { listen, silentLogger, type Listening } from '@banyan/kit';
import { nothingCopied } from '../keep-copy.ts';
import { found, Refusal } from '../refusal.ts';
import type { Face } from './face.ts';
import { get, page, post, remove, seeOther, view } from './route.ts';
import { serviceApp } from './service-app.ts';

const slice = defineSlice({
  name: 'notes',
  title: 'Notes',
  routes: [{ path: '/notes/*' }, { path: '/api/*' }],
  tables: [],
});
const TOKEN = 'x'.repeat(32);
let server: Listening;

async function serve(face: Face): Promise<Listening> {
  const app = serviceApp({
    slice,
    verifier: { verify: (token) => Promise.resolve(token ? { sub: '7', name: token } : null) },
    copy: nothingCopied,
    log: silentLogger,
    face,
    routes: [
      page('/notes/:id', { identity: true }, ({ params }) => view('note', { id: params.id })),
      page('/notes/:id/plain', ({ customer }) => view('plain', { customer })),
      post('/notes/:id', ({ params }) => seeOther(`/notes/${params.id}`)),
      get('/api/who', { identity: true }, ({ customer }) => ({ customer })),
      get('/api/nobody', ({ customer }) => ({ customer })),
      post('/api/notes', ({ body }) => ({ body })),
      post('/v1/notes', ({ body }) => ({ body })),
      remove('/api/notes/:id'),
      get('/v1/refused/:code', ({ params }) => {
        throw new Refusal(params.code as 'conflict', 'Because.');
      }),
      get('/v1/found', () => found(null)),
      get('/v1/broken', () => {
        throw new Error('secret cause');
      }),
    ],
  });
  return await listen(app, { port: 0 });
}

beforeAll(async () => {
  server = await serve({
    csrfCookie: 'csrf',
    pages: {
      render: (template, locals, { customer }) =>
        Promise.resolve(`${template} ${JSON.stringify(locals)} for ${customer?.displayName ?? 'nobody'}`),
      renderError: ({ status }, { customer }) =>
        Promise.resolve(`error ${status} for ${customer?.displayName ?? 'nobody'}`),
    },
  });
});
afterAll(() => server.close());

const ask = (path: string, init: RequestInit = {}) =>
  fetch(server.url + path, { redirect: 'manual', ...init });
const form = (fields: Record<string, string>, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields),
  headers: { cookie: `csrf=${TOKEN}`, ...headers },
});

test.each([
  ['bad-request', 400],
  ['not-signed-in', 401],
  ['forbidden', 403],
  ['not-found', 404],
  ['conflict', 409],
  ['invalid-input', 422],
])('a refusal %s is a problem document with status %i', async (code, status) => {
  const response = await ask(`/v1/refused/${code}`);
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  expect(await response.json()).toMatchObject({ type: 'about:blank', status, detail: 'Because.', code });
  expect(response.status).toBe(status);
});

test('what is not found is a 404; a fault of our own says nothing of its cause', async () => {
  expect((await ask('/v1/found')).status).toBe(404);
  const broken = await ask('/v1/broken');
  expect(broken.status).toBe(500);
  expect(await broken.text()).not.toContain('secret');
});

test('the token is read on routes with identity, and on no other', async () => {
  const headers = { 'banyan-identity': 'Ada' };
  expect(await (await ask('/api/who', { headers })).json()).toEqual({
    customer: { id: '7', displayName: 'Ada' },
  });
  expect(await (await ask('/api/nobody', { headers })).json()).toEqual({ customer: null });
  expect(await (await ask('/notes/1', { headers })).text()).toBe('note {"id":"1"} for Ada');
  expect(await (await ask('/notes/1/plain', { headers })).text()).toBe('plain {"customer":null} for nobody');
  // The frame of an error page shows who asks, as other pages do.
  expect(await (await ask('/notes/1/nothing', { headers })).text()).toBe('error 404 for Ada');
});

test('a form is taken when it repeats its token and comes from here, and refused otherwise', async () => {
  const taken = await ask('/notes/1', form({ _csrf: TOKEN }, { origin: server.url }));
  expect([taken.status, taken.headers.get('location')]).toEqual([303, '/notes/1']);
  const refusals = await Promise.all([
    ask('/notes/1', form({})),
    ask('/notes/1', form({ _csrf: 'y'.repeat(32) })),
    ask('/notes/1', form({ _csrf: TOKEN }, { origin: 'http://elsewhere.example' })),
    ask('/api/notes', form({})),
  ]);
  expect(refusals.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
});

test('without form tokens other sites are refused by their Origin', async () => {
  const plain = await serve({});
  const send = (origin: string) => fetch(`${plain.url}/api/notes`, { method: 'POST', headers: { origin } });
  expect((await send('http://elsewhere.example')).status).toBe(403);
  expect((await send(plain.url)).status).toBe(200);
  await plain.close();
});

test('JSON is taken with the token in a header, and below /v1 without', async () => {
  const json = (headers: Record<string, string>): RequestInit => ({
    method: 'POST',
    body: '{"a":1}',
    headers: { 'content-type': 'application/json', ...headers },
  });
  const taken = await ask('/api/notes', json({ cookie: `csrf=${TOKEN}`, 'x-csrf-token': TOKEN }));
  expect(await taken.json()).toEqual({ body: { a: 1 } });
  const own = await ask('/v1/notes', json({}));
  expect([own.status, own.headers.get('set-cookie')]).toEqual([200, null]);
  const broken = await ask('/v1/notes', { ...json({}), body: '{' });
  expect([broken.status, await broken.json()]).toMatchObject([400, { code: 'bad-request' }]);
});

test('a method that nobody takes here is refused, and `Allow` names those that are taken', async () => {
  const get = await ask('/api/notes');
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
  const put = await ask('/notes/1', { method: 'PUT' });
  expect([put.status, put.headers.get('allow')]).toEqual([409, 'GET, HEAD, POST']);
  const gone = await ask('/api/notes/1', { method: 'DELETE' });
  expect([gone.status, gone.headers.get('allow')]).toEqual([409, null]);
  expect((await ask('/nowhere', { method: 'DELETE' })).status).toBe(409);
  // OPTIONS tells what is to be had at the address, on whichever side.
  expect((await ask('/api/notes/1', { method: 'OPTIONS' })).headers.get('allow')).toBe('DELETE');
});

test('a path that does not decode is a client’s fault, as a page and as data', async () => {
  const wrong = await ask('/notes/%E0%A4%A');
  expect([wrong.status, await wrong.text()]).toEqual([400, 'error 400 for nobody']);
});

test('requests are counted by pattern, never by path', async () => {
  for (const path of ['/notes/secret-1', '/notes/secret-2/plain', '/secret-3', '/notes/%E0%A4%A'])
    await ask(path);
  const metrics = await (await ask('/metrics')).text();
  expect(metrics).toContain('{slice="notes",route="/notes/:id",method="GET",status="200"}');
  expect(metrics).toContain('{slice="notes",route="none",method="GET",status="404"}');
  expect(metrics).not.toContain('secret');
});
