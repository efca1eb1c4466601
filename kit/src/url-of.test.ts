import { expect, test } from '@jest/globals';
import { listen } from './http.ts';
import { urlOf } from './url-of.ts';

test('an IPv6 address stands in brackets, and the URL of a listener there can be asked', async () => {
  expect(urlOf({ host: '127.0.0.1', port: 80 })).toBe('http://127.0.0.1:80');
  expect(urlOf({ host: 'shop', port: 80 })).toBe('http://shop:80');
  expect(urlOf({ host: '::', port: 8080 })).toBe('http://[::]:8080');
  const server = await listen((_request, response) => response.end('ok'), { port: 0, host: '::1' });
  expect(server.url).toBe(`http://[::1]:${server.port}`);
  expect(await (await fetch(server.url)).text()).toBe('ok');
  await server.close();
});
