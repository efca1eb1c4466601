import { expect, test } from '@jest/globals';
import { createCookieJar } from './cookie-jar.ts';

test('cookies are sent back without their attributes, a newer value in place of the older', () => {
  const jar = createCookieJar();
  jar.store(['csrf=abc; Path=/; SameSite=Lax', 'shop.sid=s%3A1=x; HttpOnly'], 0);
  jar.store(['csrf=def; Path=/'], 0);
  expect(jar.header(0)).toBe('csrf=def; shop.sid=s%3A1=x');
  expect(jar.get('shop.sid', 0)).toBe('s%3A1=x');
});

test('a cookie that was cleared by a date in the past or by Max-Age=0 is forgotten', () => {
  const jar = createCookieJar();
  jar.store(['a=1', 'b=2', 'c=3'], 1_000);
  jar.store(['a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'b=; max-age=0'], 1_000);
  expect(jar.header(1_000)).toBe('c=3');
});

test('a cookie ends with its Max-Age, which wins over Expires', () => {
  const jar = createCookieJar();
  jar.store(['pin=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=5'], 1_000);
  expect(jar.header(5_999)).toBe('pin=1');
  expect(jar.header(6_000)).toBe('');
});

test('lines that are no cookies are passed over', () => {
  const jar = createCookieJar();
  jar.store(['', '=x', 'novalue'], 0);
  expect(jar.header(0)).toBe('');
});
