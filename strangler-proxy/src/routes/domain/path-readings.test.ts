import { describe, expect, test } from '@jest/globals';
import type { PathReading } from '@banyan/contracts';
import fc from 'fast-check';
import { createPathReader, type Readings } from './path-readings.ts';

const NOTHING_KNOWN: PathReading = { trailingSlash: 'same' };
const EXPRESS: PathReading = {
  letterCase: 'same',
  trailingSlash: 'same',
  trailingDotOrSpace: 'different',
  parameters: 'different',
  extension: 'different',
};
const readPath = (path: string, paths: PathReading): Readings => createPathReader(paths)(path);
const readings = (path: string, paths = NOTHING_KNOWN): string[] => {
  const read = readPath(path, paths);
  return read === 'tooMany' ? ['too many'] : read.map((segments) => segments.join(' | ')).sort();
};

describe('a path', () => {
  test.each([
    ['/', ''],
    ['/cart', 'cart'],
    ['/cart/', 'cart'],
    ['/c%61rt', 'cart'],
    ['/products/tea-pot/reviews', 'products | tea-pot | reviews'],
    ['/products/caf%C3%A9', 'products | café'],
    ['/products/caf\u00c3\u00a9', 'products | café'],
    ['/a/%252e%252e', 'a | %2e%2e'],
  ])('such as %s is read in one way', (path, only) => {
    expect(readings(path)).toEqual([only]);
  });

  test.each([
    ['//cart', '', 'cart'],
    ['//host/cart', 'cart', 'host | cart'],
    ['/x//cart', 'x | cart', 'x |  | cart'],
    ['/x/../cart', 'cart', 'x | .. | cart'],
    ['/x/%2e%2E/cart', 'cart', 'x | .. | cart'],
    ['/./cart', 'cart', '. | cart'],
    ['/x%2fcart', 'x/cart', 'x | cart'],
    ['/x%5ccart', 'x\\cart', 'x | cart'],
    ['/x\\cart', 'x\\cart', 'x | cart'],
    ['/x/..;y/cart', 'cart', 'x | ..;y | cart'],
    ['/cart%00.png', 'cart', 'cart\u0000.png'],
    ['/ca%0art', 'cart', 'ca\nrt'],
    ['/cart%ff', 'cart', 'cart%ff'],
    ['/cart%', 'cart', 'cart%'],
    ['/cart#x', 'cart', 'cart#x'],
    ['/cart%3fx', 'cart', 'cart?x'],
    ['/cart;x=1', 'cart', 'cart;x=1'],
    ['/cart.', 'cart', 'cart.'],
    ['/cart%20', 'cart', 'cart '],
    ['/cart.json', 'cart', 'cart.json'],
    ['/cart//../x', 'cart | x', 'x'],
  ])('such as %s may be read in several', (path, ...some) => {
    expect(readings(path)).toEqual(expect.arrayContaining(some));
  });

  test.each([
    ['/cart;x=1', 'cart;x=1'],
    ['/cart.', 'cart.'],
    ['/cart%20', 'cart '],
    ['/cart.json', 'cart.json'],
  ])('such as %s is what it says to a monolith that does nothing to it', (path, only) => {
    expect(readings(path, EXPRESS)).toEqual([only]);
  });

  test.each([
    ['/cart;x=1', { parameters: 'same' }],
    ['/cart.', { trailingDotOrSpace: 'same' }],
    ['/cart%20.%20', { trailingDotOrSpace: 'same' }],
    ['/cart.json', { extension: 'same' }],
  ] as const)('such as %s is the plain one to a monolith that takes it so', (path, change) => {
    expect(readings(path, { ...EXPRESS, ...change })).toEqual(['cart']);
  });

  test('with a slash at its end is another where the monolith says so; the root is the root', () => {
    const paths = { ...EXPRESS, trailingSlash: 'different' } as const;
    expect([readings('/cart/', paths), readings('/', paths)]).toEqual([['cart | '], ['']]);
  });

  test('with every trick at once has too many readings to try', () => {
    expect(readings('//a%2fb%5cc\\d//../e;f/.%00;/..;x/g.h.%20%ff#i', NOTHING_KNOWN)).toEqual(['too many']);
  });
});

test('a path built from plain segments is read as they are, whatever else it may be read as', () => {
  const segment = fc.string({ minLength: 1, unit: 'grapheme' }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 4 }), (segments) => {
      const read = readPath(`/${segments.map(encodeURIComponent).join('/')}`, NOTHING_KNOWN);
      if (read !== 'tooMany') expect(read).toContainEqual(segments);
    }),
  );
});

test('what is long, and not plain, is not tried', () => {
  const long = '/a'.repeat(2_000);
  expect([readings(long).length, readings(`${long}//x`)]).toEqual([1, ['too many']]);
});

test('nothing that can be sent makes it throw, or gives more readings than are worth trying', () => {
  const tricks = fc.constantFrom(
    '/',
    '.',
    '%',
    '2',
    'e',
    'f',
    '5',
    'c',
    'A',
    ';',
    '\\',
    '#',
    '%00',
    '\u00ff',
  );
  fc.assert(
    fc.property(fc.string({ unit: tricks, maxLength: 200 }), (rest) => {
      const read = readPath(`/${rest}`, NOTHING_KNOWN);
      if (read !== 'tooMany') expect(read.length).toBeLessThanOrEqual(32);
    }),
  );
});
