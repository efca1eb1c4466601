import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRequestTarget } from './request-target.ts';

describe('parseRequestTarget', () => {
  test.each([
    ['/', '/'],
    ['/cart/', '/cart/'],
    ['/cart?page=2&x=//..%2f', '/cart'],
    ['/a//b/../%2f%zz\\', '/a//b/../%2f%zz\\'],
    ['//host/cart', '//host/cart'],
    ['http://shop.example/cart?x', '/cart'],
    ['https://shop.example:8443//cart', '//cart'],
    ['http://shop.example', '/'],
    ['http://shop.example?x=/cart', '/'],
    ['/caf\u00e9', '/caf\u00e9'],
  ])('finds the path of %s', (raw, path) => {
    expect(parseRequestTarget(raw)).toEqual({ ok: true, path });
  });

  test.each([
    ['*', 'only a path'],
    ['', 'only a path'],
    ['cart', 'only a path'],
    ['ftp://shop.example/cart', 'only a path'],
    ['http:///cart', 'only a path'],
    ['/a b', 'spaces or control'],
    ['/a\u0000', 'spaces or control'],
    ['/a\u0100', 'spaces or control'],
  ])('refuses %s', (raw, problem) => {
    const target = parseRequestTarget(raw);
    expect(target.ok ? '' : target.problem).toContain(problem);
  });

  test('never throws', () => {
    fc.assert(fc.property(fc.string(), (raw) => void parseRequestTarget(raw)));
  });
});
