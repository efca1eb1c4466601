import { expect, test } from '@jest/globals';
import { routesSnapshotSchema } from './routes-snapshot.ts';

const slice = {
  name: 'reviews',
  phase: 'canary',
  owner: 'monolith',
  share: 1,
  salt: 's',
  rolledBack: false,
  monolithIsFresh: true,
  routes: [{ path: '/reviews' }],
  serviceDeadlineMs: 100,
};
const snapshot = {
  version: 1,
  issuedAtMs: 1,
  monolithDeadlineMs: 100,
  paths: { trailingSlash: 'same' },
  visitors: { identity: [], keys: ['visitor-cookie'], withoutKey: 'monolith' },
};
const problemsOf = (candidate: unknown): string[] =>
  routesSnapshotSchema.safeParse(candidate).error?.issues.map(({ path }) => path.join('.')) ?? [];

test('a side has a list of servers, and at least one', () => {
  const upstreams = ['http://127.0.0.1:1', 'http://127.0.0.1:2'];
  const whole = { ...snapshot, monolithUpstreams: upstreams, slices: [{ ...slice, upstreams }] };
  expect(routesSnapshotSchema.parse(whole)).toEqual(whole);
  expect(
    problemsOf({ ...snapshot, monolithUpstreams: [], slices: [{ ...slice, upstreams: ['nowhere'] }] }),
  ).toEqual(['monolithUpstreams', 'slices.0.upstreams.0']);
});

test('a snapshot from before, with one address a side, is read as a list of that one', () => {
  const before = {
    ...snapshot,
    monolithUrl: 'http://127.0.0.1:1',
    slices: [{ ...slice, serviceUrl: 'http://127.0.0.1:2' }],
  };
  const { monolithUpstreams, slices } = routesSnapshotSchema.parse(before);
  expect([monolithUpstreams, slices[0]?.upstreams]).toEqual([['http://127.0.0.1:1'], ['http://127.0.0.1:2']]);
  expect(problemsOf({ ...before, monolithUrl: 'nowhere' })).toEqual(['monolithUpstreams.0']);
  expect(problemsOf({ ...before, monolithUpstreams: ['http://127.0.0.1:1'] })).toEqual(['']);
});
