import { describe, expect, test } from '@jest/globals';
import { defaultGateLimits, type GateResult, type SyncReport } from '@banyan/contracts';
import { initialState, type SliceState, type Verification } from '../../slices/domain/slice-state.ts';
import { heartbeatAgeMs, type Evidence } from './evidence.ts';
import { allPass, evaluateGates, evaluateServing } from './evaluate.ts';

const nowMs = 1_000_000;
const verification: Verification = {
  finishedAtMs: nowMs - 1_000,
  rowsSource: 20,
  rowsTarget: 20,
  differences: 0,
  examples: [],
};
const common = { name: 'reviews', epoch: 7, salt: 'reviews', rolledBack: false, paused: null };
const withVerification = (last: Verification | null): SliceState => ({
  ...common,
  phase: 'syncing',
  copy: {
    step: 'complete',
    startedAtMs: 1,
    snapshotId: 's1',
    feed: { incarnation: 1, beganAtMs: 1, membership: null },
    copiedAtMs: 2,
    verification: last,
  },
});
const report: SyncReport = {
  slice: 'reviews',
  group: 'reviews',
  state: 'running',
  error: null,
  startedAtMs: 1,
  nowMs,
  tables: [
    {
      source: 'public.reviews',
      target: 'review',
      topic: 'shop.public.reviews',
      nextOffset: 9,
      appliedRows: 20,
      quarantined: 0,
      lost: false,
      endOffset: null,
    },
  ],
  lag: { p50Ms: 10, p99Ms: 50, samples: 60 },
  heartbeatAtMs: nowMs - 900,
};
const good: Evidence = {
  nowMs,
  state: withVerification(verification),
  limits: defaultGateLimits,
  hasTables: true,
  traffic: null,
  service: { reachable: true, report, atMs: nowMs - 300 },
  caughtUp: { startedAtMs: nowMs - 2_000, error: null },
  feed: { knownAtMs: nowMs - 1_000, broken: null, error: null },
  copyProgress: null,
  tables: null,
};
const reported = (change: Partial<SyncReport>, ageMs = 300): Partial<Evidence> => ({
  service: { reachable: true, report: { ...report, ...change }, atMs: nowMs - ageMs },
});
const verdicts = (change: Partial<Evidence>): Record<string, GateResult['verdict']> =>
  Object.fromEntries(evaluateGates({ ...good, ...change }).map(({ gate, verdict }) => [gate, verdict]));

test('good evidence passes every gate', () => {
  expect(allPass(evaluateGates(good))).toBe(true);
});

test('a gate reads as a sentence: what is, and its limit', () => {
  const quarantined = report.tables.map((table) => ({ ...table, quarantined: 2, heldKeys: [['17']] }));
  const said = evaluateGates({ ...good, ...reported({ tables: quarantined }) });
  expect(said.map(({ gate, got, wanted }) => `${gate}: ${got} (${wanted})`)).toEqual([
    'copy-complete: complete (every table needs a complete table snapshot)',
    'feed-continuous: the same feed (changes must come from the feed that the copy was made with)',
    'service-reachable: it answers and applies changes (the service must answer and apply changes)',
    'caught-up: last confirmed 2 s ago (limit 15 s)',
    'lag: 50 ms for 99 % of the 60 changes of the last minute (limit 2 s)',
    'heartbeat: 900 ms old (limit 5 s)',
    'quarantine: 2 records: public.reviews [17] (must be empty)',
    'verification: 20 rows in the monolith, 20 in the service, no difference, 1 s ago (both sides must have been equal within the last 10 min)',
  ]);
});

test('no gate at all is not a pass', () => {
  expect(allPass([])).toBe(false);
});

describe('of bad evidence', () => {
  const quarantined = report.tables.map((table) => ({ ...table, quarantined: 1 }));
  const silent = { reachable: false, error: 'ECONNREFUSED', atMs: nowMs, lastReport: report } as const;
  const copying: SliceState = { ...common, phase: 'syncing', copy: { step: 'starting', startedAtMs: 1 } };
  test.each<[string, string, Partial<Evidence>]>([
    ['copy-complete', 'a copy that is not complete', { state: copying }],
    ['service-reachable', 'a service that does not answer', { service: silent }],
    ['service-reachable', 'a consumer that failed', reported({ state: 'failed', error: 'disk full' })],
    ['caught-up', 'a round that failed', { caughtUp: { startedAtMs: nowMs - 16_000, error: 'late' } }],
    [
      'caught-up',
      'one that failed a moment ago',
      { caughtUp: { startedAtMs: nowMs - 2_000, error: 'late' } },
    ],
    [
      'feed-continuous',
      'a feed that restarted',
      { feed: { knownAtMs: nowMs, broken: 'restored', error: null } },
    ],
    ['lag', 'lag over the limit', reported({ lag: { p50Ms: 1, p99Ms: 2_001, samples: 1 } })],
    ['heartbeat', 'a heartbeat over the limit', reported({ heartbeatAtMs: nowMs - 5_001 })],
    ['quarantine', 'a record in quarantine', reported({ tables: quarantined })],
    ['verification', 'a difference', { state: withVerification({ ...verification, differences: 1 }) }],
  ])('%s fails on %s', (gate, _what, change) => {
    expect(verdicts(change)[gate]).toBe('fail');
  });
});

test('one round that fails takes no reads back', () => {
  const caughtUp = { startedAtMs: nowMs - 2_000, error: 'late' };
  expect(allPass(evaluateServing({ ...good, caughtUp }))).toBe(true);
});

test('counts that differ by rows on their way are no difference', () => {
  const state = withVerification({ ...verification, rowsTarget: 19 });
  expect(verdicts({ state })['verification']).toBe('pass');
});

describe('what is not known is inconclusive and never passes', () => {
  const old = { ...verification, finishedAtMs: nowMs - 600_001 };
  test.each<[string, string, Partial<Evidence>]>([
    ['service-reachable', 'never asked', { service: null }],
    ['service-reachable', 'a report of long ago', reported({}, 5_001)],
    ['caught-up', 'no round yet', { caughtUp: { startedAtMs: null, error: null } }],
    ['feed-continuous', 'never looked at', { feed: null }],
    [
      'feed-continuous',
      'known long ago',
      { feed: { knownAtMs: nowMs - 15_001, broken: null, error: 'gone' } },
    ],
    ['lag', 'no sample', reported({ lag: null })],
    ['lag', 'no traffic', reported({ lag: { p50Ms: 0, p99Ms: 0, samples: 0 } })],
    ['lag', 'a report of long ago', reported({}, 5_001)],
    ['heartbeat', 'no heartbeat yet', reported({ heartbeatAtMs: null })],
    ['quarantine', 'a report of long ago', reported({}, 5_001)],
    ['verification', 'none made', { state: withVerification(null) }],
    ['verification', 'one that is too old', { state: withVerification(old) }],
  ])('%s: %s', (gate, _what, change) => {
    expect(verdicts(change)[gate]).toBe('inconclusive');
    expect(allPass(evaluateGates({ ...good, ...change }))).toBe(false);
  });
});

test('a silent service lets the age of its last heartbeat grow', () => {
  const silent = { reachable: false, error: 'gone', atMs: nowMs, lastReport: report } as const;
  expect(heartbeatAgeMs(silent, nowMs + 60_000)).toBe(60_900);
  expect(verdicts({ service: silent, nowMs: nowMs + 60_000 })['heartbeat']).toBe('fail');
  expect(heartbeatAgeMs({ ...silent, lastReport: null }, nowMs)).toBeNull();
});

describe('before the copy', () => {
  const state = initialState('reviews');
  const tables = { known: true, problems: [] } as const;

  test('passes with a reachable service and tables as mapped', () => {
    expect(allPass(evaluateGates({ ...good, state, tables }))).toBe(true);
  });

  test.each<[string, GateResult['verdict'], Partial<Evidence>]>([
    ['source-tables', 'fail', { tables: { known: true, problems: ['public.reviews does not exist'] } }],
    ['source-tables', 'inconclusive', { tables: { known: false, error: 'ECONNREFUSED' } }],
    ['source-tables', 'inconclusive', { tables: null }],
  ])('%s is %s', (gate, verdict, change) => {
    expect(verdicts({ state, ...change })[gate]).toBe(verdict);
  });
});

test('every gate that does not pass says what was wanted, what was got and what to do', () => {
  const nothing = {
    service: null,
    caughtUp: { startedAtMs: null, error: null },
    state: withVerification(null),
  };
  const open = evaluateGates({ ...good, ...nothing }).filter(({ verdict }) => verdict !== 'pass');
  expect(open).toHaveLength(6);
  for (const { wanted, got, remedy } of open) {
    expect([wanted.length, got.length, remedy?.length ?? 0].every((length) => length > 0)).toBe(true);
  }
});

test('late samples of a short outage do not take the reads back, a lasting lag does', () => {
  const lagOf = (p50Ms: number): string | undefined =>
    evaluateServing({ ...good, ...reported({ lag: { p50Ms, p99Ms: 9_000, samples: 60 } }) }).find(
      ({ gate }) => gate === 'lag',
    )?.verdict;
  expect(lagOf(15)).toBe('pass');
  expect(lagOf(9_000)).toBe('fail');
});
