import { expect, test } from '@jest/globals';
import type { GateResult, JournalEntry } from '@banyan/contracts';
import { givenUpOf } from './given-up.ts';

const gate = (name: string, verdict: GateResult['verdict']): GateResult => ({
  gate: name,
  verdict,
  wanted: '',
  got: '',
  remedy: null,
});

function entry(change: Partial<JournalEntry>): JournalEntry {
  return {
    id: 1,
    atMs: 1,
    slice: 'reviews',
    by: 'gate',
    verb: 'rollback',
    from: 'canary 100 %',
    to: 'syncing',
    epoch: 1,
    reason: null,
    evidence: [],
    ...change,
  };
}

test('reads that a gate took back which time fixes are counted, by gate, and are no fault', () => {
  const evidence = [gate('quarantine', 'fail'), gate('lag', 'fail'), gate('feed-continuous', 'pass')];
  const inQuarantine = entry({
    reason: 'for more than 10 s: quarantine (fail): 1 record (must be empty)',
    evidence,
  });
  expect(givenUpOf([inQuarantine, entry({ by: 'test', verb: 'route' })])).toEqual({
    byGates: 1,
    gates: { quarantine: 1 },
    unexcused: [],
  });
});

test.each([
  [
    'a feed that began anew',
    { by: 'feed', verb: 'resync', reason: 'the feed began anew' },
    /^resync: the feed/,
  ],
  ['a copy that was lost', { by: 'feed', verb: 'resync', reason: 'the copy is lost' }, /^resync: the copy/],
  ['a copy that is suspect', { by: 'feed', verb: 'suspect', reason: 'a type' }, /^suspect: a type/],
  [
    'a gate that tells of the copy itself',
    { reason: 'feed-continuous (fail): no', evidence: [gate('feed-continuous', 'fail')] },
    /^rollback by a gate: feed-continuous/,
  ],
  ['a gate of which nothing is known', { reason: 'other' }, /^rollback by a gate: other/],
])('%s is not excused by a kill', (_what, change, said) => {
  expect(givenUpOf([entry(change)]).unexcused).toEqual([expect.stringMatching(said)]);
});
