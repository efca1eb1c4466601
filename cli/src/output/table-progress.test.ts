import { expect, test } from '@jest/globals';
import { progressBar, tableSnapshotText, tableLines } from './table-progress.ts';

const running = {
  state: 'running' as const,
  rowsDone: 430,
  rowsEstimated: 1_000,
  rowsPerSecond: 100,
  remainingMs: 5_700,
};

test('a bar in a terminal, plain text elsewhere', () => {
  expect(progressBar(0.43, false, true)).toBe('▕████████░░░░░░░░░░░░▏ 43 %');
  expect(progressBar(0.43, false, false)).toBe('43 %');
});

test.each([0.999, 1, 7])('%d of something that is not complete is not 100 %%', (share) => {
  expect(progressBar(share, false, false)).toBe('99 %');
  expect(progressBar(share, false, true)).not.toContain('████████████████████');
});

test('something complete is 100 %', () => expect(progressBar(0.2, true, false)).toBe('100 %'));

test.each([
  ['is running', {}, '43 %, 430 of about 1,000 rows · 100 rows/s · about 5.7 s left'],
  [
    'has exceeded its estimate',
    { rowsEstimated: 300, remainingMs: null },
    '430 rows, more than the estimate of 300 · 100 rows/s · time left unknown',
  ],
  [
    'is as far as its estimate',
    { rowsEstimated: 430, remainingMs: null },
    '430 rows, more than the estimate of 430 · 100 rows/s · time left unknown',
  ],
  [
    'has no estimate',
    { rowsEstimated: null, remainingMs: null },
    '430 rows, of how many is unknown · 100 rows/s · time left unknown',
  ],
  [
    'stands still',
    { rowsPerSecond: 0, remainingMs: null },
    '43 %, 430 of about 1,000 rows · standing still · time left unknown',
  ],
  [
    'was just begun',
    { rowsPerSecond: null, remainingMs: null },
    '43 %, 430 of about 1,000 rows · rate unknown · time left unknown',
  ],
  ['was only asked for', { state: 'requested' as const, rowsDone: null }, 'requested'],
  ['was stopped', { state: 'stopped' as const }, 'stopped after 430 rows'],
  ['is complete', { state: 'completed' as const }, 'complete, 430 rows'],
])('says how far a table snapshot is that %s', (_what, changes, said) => {
  expect(tableSnapshotText({ ...running, ...changes }, false)).toBe(`table snapshot ${said}`);
});

test('what is unknown of a table is not 0', () => {
  const table = {
    source: 'public.t',
    target: 't',
    kind: 'owned' as const,
    tableSnapshot: null,
    nextOffset: null,
    endOffset: 9,
    appliedRows: null,
    quarantined: null,
  };
  expect(tableLines(table, false)).toEqual([
    'public.t -> t: no table snapshot asked for',
    '  applied unknown of 9 records on the bus, unknown rows, quarantined unknown',
  ]);
});
