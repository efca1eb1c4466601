import { expect, test } from '@jest/globals';
import { soakText } from './report.ts';
import { faultsOf, type SoakResult } from './soak-result.ts';

const none = { missing: [], extra: [], different: [], count: 0 };
const good: Omit<SoakResult, 'faults'> = {
  seed: 1,
  minutes: 1,
  stack: 'embedded',
  pairs: false,
  kills: [{ kind: 'reader', kills: 2, readyMs: { median: 1, max: 2 }, caughtUpMs: { median: 3, max: 4 } }],
  writer: { transactions: 10, changes: 20, rolledBack: 1, unanswered: 1 },
  eventsApplied: 30,
  lag: { p50Ms: 10, p99Ms: 20, samples: 5 },
  customers: { requests: 100, errorsInOutages: 3, errorsOutside: 0, staleReads: 0 },
  givenUp: { byGates: 0, gates: {}, unexcused: [] },
  verification: { rowsSource: 5, rowsTarget: 5, differences: 0, examples: [] },
  inSource: none,
  inService: none,
};

test('a soak in which all is well has no fault, errors in outages notwithstanding', () => {
  expect(faultsOf(good)).toEqual([]);
  expect(soakText({ ...good, faults: [] })).toMatch(/PASSED$/);
});

test.each<[string, Partial<SoakResult>, RegExp]>([
  [
    'a difference',
    { verification: { rowsSource: 5, rowsTarget: 4, differences: 1, examples: ['x'] } },
    /1 differences: x/,
  ],
  ['no verification', { verification: null }, /no verification/],
  [
    'a write that the monolith lost',
    { inSource: { ...none, missing: ['7'], count: 1 } },
    /monolith.*missing 7/,
  ],
  [
    'a write that the service lost',
    { inService: { ...none, missing: ['7'], count: 1 } },
    /service.*missing 7/,
  ],
  ['an error outside of outages', { customers: { ...good.customers, errorsOutside: 2 } }, /2 errors outside/],
  ['a stale read', { customers: { ...good.customers, staleReads: 1 } }, /1 stale reads/],
  [
    'a copy that was made anew',
    { givenUp: { byGates: 0, gates: {}, unexcused: ['resync: the feed began anew'] } },
    /resync: the feed/,
  ],
  ['no kill at all', { kills: [] }, /nothing was killed/],
  ['no write at all', { writer: { ...good.writer, transactions: 0 } }, /nothing was written/],
])('%s is a fault', (_what, change, message) => {
  const figures = { ...good, ...change };
  const faults = faultsOf(figures);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatch(message);
  expect(soakText({ ...figures, faults })).toContain('FAILED');
});
