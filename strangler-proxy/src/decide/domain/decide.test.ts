import { describe, expect, test } from '@jest/globals';
import type { SliceRoutes } from '@banyan/contracts';
import { decide, explain, needsCohort, type RequestFacts } from './decide.ts';

const slice: SliceRoutes = {
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
};
const facts: RequestFacts = {
  method: 'GET',
  override: null,
  isPinned: false,
  cohort: { key: 'k', bucket: 10, limit: 5_000 },
  isBreakerBlocking: false,
};
const out = { key: 'k', bucket: 5_000, limit: 5_000 };

describe('decide', () => {
  test.each<[string, Partial<SliceRoutes>, Partial<RequestFacts>, string]>([
    ['a read in the cohort', {}, {}, 'service cohort'],
    ['a read outside the cohort', {}, { cohort: out }, 'monolith cohort'],
    ['a read of nobody in particular', {}, { cohort: null }, 'monolith no-key'],
    ['one of nobody where the service owns', { owner: 'service' }, { cohort: null }, 'service cohort'],
    ['a write, whoever owns it', {}, { method: 'POST', override: 'service' }, 'monolith owner'],
    ['a write of a slice that the service owns', { owner: 'service' }, { method: 'PUT' }, 'service owner'],
    ['a method nobody knows', {}, { method: 'PURGE' }, 'monolith owner'],
    ['a rollback against an override', { rolledBack: true }, { override: 'service' }, 'monolith rollback'],
    ['a slice still syncing', { phase: 'syncing' }, { override: 'service' }, 'monolith phase'],
    ['a slice at home', { phase: 'monolith' }, {}, 'monolith phase'],
    ['an override against a pin', {}, { override: 'service', isPinned: true }, 'service override'],
    ['an override to the monolith', {}, { override: 'monolith' }, 'monolith override'],
    ['a pin against the cohort', {}, { isPinned: true }, 'monolith pin'],
    ['a pin where the service owns', { owner: 'service' }, { isPinned: true }, 'service cohort'],
    ['an open breaker', {}, { isBreakerBlocking: true }, 'monolith breaker'],
    [
      'an open breaker with a stale monolith',
      { monolithIsFresh: false },
      { isBreakerBlocking: true },
      'service cohort',
    ],
    ['HEAD', {}, { method: 'HEAD' }, 'service cohort'],
    ['OPTIONS', {}, { method: 'OPTIONS' }, 'service cohort'],
    ['everybody in an extracted slice', { phase: 'extracted', share: 1 }, {}, 'service cohort'],
  ])('settles %s', (_case, sliceChange, factChange, expected) => {
    const { target, reason } = decide({ ...slice, ...sliceChange }, { ...facts, ...factChange });
    expect(`${target} ${reason}`).toBe(expected);
  });

  test('a rollback beats everything that a client may bring', () => {
    for (const override of [null, 'service', 'monolith'] as const) {
      for (const isPinned of [true, false]) {
        for (const cohort of [facts.cohort, out, null]) {
          const decision = decide(
            { ...slice, rolledBack: true, share: 1 },
            { ...facts, override, isPinned, cohort },
          );
          expect(decision).toEqual({ target: 'monolith', reason: 'rollback' });
        }
      }
    }
  });
});

describe('needsCohort', () => {
  test('holds only where the cohort is what decides', () => {
    expect(needsCohort(slice, facts)).toBe(true);
    expect(needsCohort(slice, { ...facts, isPinned: true })).toBe(false);
    expect(needsCohort(slice, { ...facts, override: 'service' })).toBe(false);
    expect(needsCohort(slice, { ...facts, method: 'POST' })).toBe(false);
    expect(needsCohort({ ...slice, phase: 'syncing' }, facts)).toBe(false);
    expect(needsCohort({ ...slice, owner: 'service', phase: 'extracted' }, facts)).toBe(false);
  });
});

describe('explain', () => {
  test('comes to the same decision and marks exactly one step as the one that decided', () => {
    for (const change of [
      {},
      { isPinned: true },
      { method: 'POST' },
      { cohort: out },
      { isBreakerBlocking: true },
    ]) {
      const explained = explain(slice, { ...facts, ...change });
      expect(explained).toMatchObject(decide(slice, { ...facts, ...change }));
      expect(explained.steps.filter((step) => step.decided).map((step) => step.rule)).toEqual([
        explained.reason,
      ]);
    }
  });

  test('says in words what each rule found', () => {
    const { steps } = explain(slice, { ...facts, cohort: out });
    expect(steps.map((step) => step.rule)).toEqual([
      'owner',
      'rollback',
      'phase',
      'override',
      'pin',
      'no-key',
      'cohort',
    ]);
    expect(steps.at(-1)?.outcome).toBe('bucket 5000 is not below 5000: the monolith');
  });
});
