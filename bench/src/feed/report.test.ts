import { describe, expect, test } from '@jest/globals';
import { format } from 'prettier';
import { against, median, percentile, Rounds, type Measurement } from './measurement.ts';
import { readFeedOptions, UsageError } from './options.ts';
import { feedPage } from './feed-page.ts';
import { markdownOf, textOf, type Machine } from './report.ts';

const baseline = { name: 'COPY', value: 200, unit: 'rows/s' as const, ratio: null };
const measurement: Measurement = {
  name: 'reader',
  title: 'Reader to bus',
  sizes: '10 rows',
  lines: [baseline, against({ name: 'reader', value: 50, unit: 'rows/s' }, baseline)],
  aim: { text: 'half of COPY', met: false },
  notes: ['no PostgreSQL store'],
};
const machine: Machine = {
  node: 'v24',
  postgres: '18.4',
  cores: 2,
  cpu: 'a cpu',
  memoryGiB: 4,
  kernel: '6.1',
  loadAtStart: 0.1,
};

test('medians, percentiles and ratios are what their names say', () => {
  expect([median([]), median([3]), median([4, 1, 9, 2])]).toEqual([0, 3, 2]);
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
  expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile([], 0.5)]).toEqual([50, 99, 0]);
  const rounds = new Rounds();
  for (const value of [1, 9, 5]) rounds.add('a', value);
  expect([rounds.median('a'), rounds.median('b')]).toEqual([5, 0]);
});

test('the page holds every line with its ratio, the aim and the machine, as prettier would have it', async () => {
  const page = markdownOf([measurement], { page: feedPage, machine, dateIso: '2026-01-02' });
  expect(page).toMatch(/^\| reader +\| 50 rows\/s +\| 0\.25 of COPY +\|$/m);
  expect(await format(page, { parser: 'markdown' })).toBe(page);
  expect(page).toContain('Aim: half of COPY: **not met**.');
  expect(page).toContain('2 cores (a cpu)');
  expect(page).toContain('2026-01-02');
  expect(textOf(measurement)).toMatch(/reader +50 +rows\/s +0\.25/);
});

describe('the command line', () => {
  const names = ['reader', 'lag'];

  test('has sizes for a short run, and the full ones by one flag', () => {
    expect(readFeedOptions([], names).sizes).toMatchObject({
      verifyRows: 100_000,
      ratesPerSecond: [100, 1_000],
    });
    const { sizes, names: chosen } = readFeedOptions(['lag', '--full', '--rounds', '1'], names);
    expect(sizes).toMatchObject({ verifyRows: 1_000_000, bigTransactionRows: 1_000_000, rounds: 1 });
    expect(chosen).toEqual(['lag']);
  });

  test('names all its mistakes at once', () => {
    const wrong = (): unknown => readFeedOptions(['writer', '--rows', 'many', '--rates', '0'], names);
    expect(wrong).toThrow(UsageError);
    for (const mistake of ['"writer"', '--rows', '--rates']) expect(wrong).toThrow(mistake);
  });
});
