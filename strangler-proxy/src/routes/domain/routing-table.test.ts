import { describe, expect, test } from '@jest/globals';
import type { RoutesSnapshot, SliceRoutes } from '@banyan/contracts';
import { buildRoutingTable, type RoutingTable } from './routing-table.ts';

const slice = (change: Partial<SliceRoutes>): SliceRoutes => ({
  name: 'reviews',
  phase: 'canary',
  owner: 'monolith',
  share: 0.5,
  salt: 's',
  rolledBack: false,
  monolithIsFresh: true,
  routes: [{ path: '/reviews' }],
  upstreams: ['http://127.0.0.1:1'],
  serviceDeadlineMs: 100,
  ...change,
});
const snapshot = (...slices: SliceRoutes[]): RoutesSnapshot => ({
  version: 1,
  issuedAtMs: 0,
  monolithUpstreams: ['http://127.0.0.1:3000'],
  monolithDeadlineMs: 1_000,
  paths: { trailingSlash: 'same' },
  visitors: { identity: [], keys: ['visitor-cookie'], withoutKey: 'monolith' },
  slices,
});
function tableOf(...slices: SliceRoutes[]): RoutingTable {
  const built = buildRoutingTable(snapshot(...slices));
  if (!built.ok) throw new Error(built.problems.join());
  return built.table;
}

describe('the routing table', () => {
  test('finds the slice of a request', () => {
    const table = tableOf(slice({}), slice({ name: 'stock', routes: [{ path: '/stock/*' }] }));
    expect(table.placeOf('GET', '/stock/x')).toMatchObject({ kind: 'clear', slice: { name: 'stock' } });
    expect(table.placeOf('GET', '/cart')).toEqual({ kind: 'clear', slice: null });
  });

  test('pins from the copy on, and waits only for copies that are read', () => {
    expect(tableOf(slice({ phase: 'monolith' }))).toMatchObject({ isPinning: false, copiedSlices: [] });
    expect(tableOf(slice({ phase: 'syncing' }))).toMatchObject({ isPinning: true, copiedSlices: [] });
    expect(tableOf(slice({ phase: 'canary' }))).toMatchObject({ isPinning: true, copiedSlices: ['reviews'] });
    expect(tableOf(slice({ rolledBack: true }))).toMatchObject({ copiedSlices: [] });
    expect(tableOf(slice({ phase: 'extracted', owner: 'service' }))).toMatchObject({ isPinning: false });
  });

  test('names all that is wrong at once', () => {
    const built = buildRoutingTable({
      ...snapshot(
        slice({}),
        slice({ upstreams: ['http://127.0.0.1:1', 'http://127.0.0.1:1/base'], routes: [{ path: '/a' }] }),
        slice({ name: 'other' }),
      ),
      monolithUpstreams: ['http://user@127.0.0.1:3000'],
    });
    expect(built.ok ? [] : built.problems).toEqual([
      expect.stringContaining('two are named "reviews"'),
      expect.stringContaining('monolithUpstreams.0: got http://user@'),
      expect.stringContaining('reviews.upstreams.1: got http://127.0.0.1:1/base'),
      expect.stringContaining('/reviews belongs to both "reviews" and "other"'),
    ]);
  });
});
