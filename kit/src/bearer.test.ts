import { expect, test } from '@jest/globals';
import express from 'express';
import { hasBearer, isSameSecret, requireBearer } from './bearer.ts';
import { listen } from './http.ts';

test('only the right token is let in', async () => {
  const app = express();
  app.get('/secret', requireBearer('right'), (_request, response) => {
    response.json({ ok: true });
  });
  const server = await listen(app, { port: 0 });
  const ask = async (headers: Record<string, string>): Promise<number> =>
    (await fetch(`${server.url}/secret`, { headers })).status;
  expect(await ask({ authorization: 'Bearer right' })).toBe(200);
  expect(await ask({ authorization: 'Bearer wrong' })).toBe(401);
  expect(await ask({ authorization: 'right' })).toBe(401);
  expect(await ask({})).toBe(401);
  await server.close();
});

test('secrets of different lengths are compared without an error', () => {
  expect(isSameSecret('a', 'aaaa')).toBe(false);
  expect(isSameSecret('same', 'same')).toBe(true);
  expect(hasBearer(undefined, 'x')).toBe(false);
});
