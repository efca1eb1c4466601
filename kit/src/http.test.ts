import { expect, test } from '@jest/globals';
import express from 'express';
import { hasBearer, isSameSecret, listen, requireBearer } from './http.ts';

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

test('a request in flight is answered before close() resolves', async () => {
  const arrived = Promise.withResolvers<undefined>();
  const mayAnswer = Promise.withResolvers<undefined>();
  const server = await listen(
    (_request, response) => {
      arrived.resolve(undefined);
      void mayAnswer.promise.then(() => response.end('late but whole'));
    },
    { port: 0 },
  );
  const answer = fetch(server.url);
  await arrived.promise;
  const closed = server.close();
  mayAnswer.resolve(undefined);
  expect(await (await answer).text()).toBe('late but whole');
  await closed;
  await server.close(); // twice is once
});

test('a port that is taken is an error, not a silent second server', async () => {
  const first = await listen((_request, response) => response.end(), { port: 0 });
  await expect(listen((_request, response) => response.end(), { port: first.port })).rejects.toMatchObject({
    code: 'EADDRINUSE',
  });
  await first.close();
});

test('secrets of different lengths are compared without an error', () => {
  expect(isSameSecret('a', 'aaaa')).toBe(false);
  expect(isSameSecret('same', 'same')).toBe(true);
  expect(hasBearer(undefined, 'x')).toBe(false);
});
