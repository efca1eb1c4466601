import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseRequestTarget } from './request-target.ts';

describe('parseRequestTarget', () => {
  test.each([
    ['/', []],
    ['/cart', ['cart']],
    ['/cart/', ['cart']],
    ['/Cart', ['Cart']],
    ['/products/tea-pot/reviews?page=2&x=//..%2f', ['products', 'tea-pot', 'reviews']],
    ['/c%61rt', ['cart']],
    ['/products/caf%C3%A9', ['products', 'café']],
    ['/.well-known/x', ['.well-known', 'x']],
    ['/a/...', ['a', '...']],
    ['/a/%252e%252e', ['a', '%2e%2e']],
  ])('reads %s', (raw, segments) => {
    expect(parseRequestTarget(raw)).toEqual({ ok: true, segments });
  });

  test.each([
    ['//cart', 'empty segment'],
    ['/a//b', 'empty segment'],
    ['/a//', 'empty segment'],
    ['/a/../b', 'dot segment'],
    ['/a/./b', 'dot segment'],
    ['/..', 'dot segment'],
    ['/a/%2e%2E/b', 'dot segment'],
    ['/a/.%2e/b', 'dot segment'],
    ['/a/..;x=1/b', 'dot segment'],
    ['/a%2fb', 'encoded slash'],
    ['/a%2Fb', 'encoded slash'],
    ['/a%5Cb', 'encoded slash or backslash'],
    ['/a\\b', 'backslash'],
    ['/a%00b', 'control'],
    ['/a%0d%0ab', 'control'],
    ['/a%zz', 'malformed'],
    ['/a%', 'malformed'],
    ['/a%ff', 'not UTF-8'],
    ['/caf\u00e9', 'percent-encoded'],
    ['/a#b', 'fragment'],
    ['*', 'only a path'],
    ['', 'only a path'],
    ['http://shop.example/cart', 'only a path'],
  ])('refuses %s', (raw, problem) => {
    const target = parseRequestTarget(raw);
    expect(target.ok).toBe(false);
    expect(target.ok ? '' : target.problem).toContain(problem);
  });

  test('reads back every path that a browser would build from plain segments', () => {
    const segment = fc
      .string({ minLength: 1, unit: 'grapheme' })
      .filter((text) => text.isWellFormed() && !/^\.{1,2}(;|$)|[/\\]|\p{Cc}/u.test(text));
    fc.assert(
      fc.property(fc.array(segment), (segments) => {
        const raw = `/${segments.map(encodeURIComponent).join('/')}`;
        expect(parseRequestTarget(raw)).toEqual({ ok: true, segments });
      }),
    );
  });

  test('never throws, and never lets a dot, an empty segment or a slash through', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('/', '.', '%', '2', 'e', 'f', '5', 'c', 'A', ';', '\\', '?') }),
        (rest) => {
          const target = parseRequestTarget(`/${rest}`);
          if (!target.ok) return;
          for (const segment of target.segments) expect(segment).not.toMatch(/^\.{0,2}$|[/\\]/);
        },
      ),
    );
  });
});
