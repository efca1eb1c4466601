import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { buildRouteTree, type TreeRoute } from './route-tree.ts';

const split = (path: string): string[] => path.split('/').filter((part) => part !== '');

function matcher(routes: Record<string, string>): (path: string, method?: string) => string | null {
  const { tree } = buildRouteTree(Object.entries(routes).map(([path, value]) => ({ path, value })));
  return (path, method = 'GET') => tree.match(method, split(path));
}

describe('the route tree', () => {
  test('matches whole segments: /cart is not /cartoons', () => {
    const match = matcher({ '/cart': 'cart', '/cart/*': 'cart-below' });
    expect(match('/cart')).toBe('cart');
    expect(match('/cart/items')).toBe('cart-below');
    expect(match('/cartoons')).toBeNull();
    expect(match('/car')).toBeNull();
  });

  test('prefers a literal to a :param to a *', () => {
    const match = matcher({
      '/p/new': 'literal',
      '/p/:slug': 'param',
      '/p/*': 'rest',
      '/p/:slug/x': 'below',
    });
    expect(match('/p/new')).toBe('literal');
    expect(match('/p/teapot')).toBe('param');
    expect(match('/p/new/x')).toBe('below');
    expect(match('/p/new/y')).toBe('rest');
    expect(match('/p')).toBeNull();
  });

  test('respects case and the root', () => {
    const match = matcher({ '/': 'root', '/cart': 'cart' });
    expect(match('/')).toBe('root');
    expect(match('/Cart')).toBeNull();
  });

  test('looks further when a more specific route does not take the method', () => {
    const { tree } = buildRouteTree([
      { path: '/p/new', methods: ['POST'], value: 'post' },
      { path: '/p/:slug', methods: ['GET'], value: 'get' },
    ]);
    expect(tree.match('POST', ['p', 'new'])).toBe('post');
    expect(tree.match('GET', ['p', 'new'])).toBe('get');
    expect(tree.match('HEAD', ['p', 'x'])).toBe('get');
    expect(tree.match('DELETE', ['p', 'x'])).toBeNull();
  });

  test('names routes that no request could tell apart', () => {
    const { conflicts } = buildRouteTree([
      { path: '/a/:x', methods: ['GET'], value: 'one' },
      { path: '/a/:y', methods: ['HEAD'], value: 'two' },
      { path: '/a/:z', methods: ['POST'], value: 'three' },
      { path: '/b', value: 'one' },
      { path: '/b', value: 'one' },
    ]);
    expect(conflicts).toEqual([{ path: '/a/:y', between: ['one', 'two'] }]);
  });

  test('agrees with trying every route one after the other', () => {
    const literal = fc.constantFrom('a', 'b', 'c');
    const pattern = fc
      .tuple(fc.array(fc.oneof(literal, fc.constant(':x')), { maxLength: 4 }), fc.boolean())
      .map(([parts, isRest]) => `/${[...parts, ...(isRest ? ['*'] : [])].join('/')}`);
    const request = fc.array(fc.oneof(literal, fc.constant('d')), { maxLength: 5 });
    fc.assert(
      fc.property(fc.uniqueArray(pattern, { maxLength: 12 }), request, (patterns, segments) => {
        const { tree } = buildRouteTree(patterns.map((path): TreeRoute<string> => ({ path, value: path })));
        expect(tree.match('GET', segments)).toBe(bestOf(patterns, segments));
      }),
      { numRuns: 500 },
    );
  });
});

/** The same rules, the slow way: every pattern that matches, ordered by how specific each segment is. */
function bestOf(patterns: readonly string[], segments: readonly string[]): string | null {
  const rank = (path: string): string =>
    split(path)
      .map((part) => (part === '*' ? '2' : part.startsWith(':') ? '1' : '0'))
      .join('');
  const fits = patterns.filter((path) => {
    const parts = split(path);
    const isRest = parts.at(-1) === '*';
    if (isRest ? segments.length < parts.length : segments.length !== parts.length) return false;
    return parts.every((part, i) => part === '*' || part.startsWith(':') || part === segments[i]);
  });
  return fits.sort((a, b) => rank(a).localeCompare(rank(b)))[0] ?? null;
}
