import { parseArgs } from 'node:util';

/** How much each benchmark moves. */
export interface FeedSizes {
  /** Rounds of the benchmarks that compare contestants. Default 3. */
  readonly rounds: number;
  /** Rows of the backlogs of reader and consumer. Default 100,000. */
  readonly rows: number;
  /** Default 100,000; 1,000,000 with `--full`. */
  readonly snapshotRows: number;
  /** Default 100,000; 1,000,000 with `--full`. */
  readonly verifyRows: number;
  /** Default 100,000; 1,000,000 with `--full`. */
  readonly bigTransactionRows: number;
  /** How long each rate is kept, milliseconds. Default 5 s; 30 s with `--full`. */
  readonly lagMs: number;
  /** Transactions a second. Default 100 and 1,000. */
  readonly ratesPerSecond: readonly number[];
}

export interface FeedOptions {
  /** Names of the benchmarks to run; empty for all. */
  readonly names: readonly string[];
  readonly sizes: FeedSizes;
  readonly json: boolean;
  /** Markdown file to write, or null. */
  readonly writeFile: string | null;
}

/** Something on the command line is wrong; the message says all of it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const numberFlags = {
  rounds: { normal: '3', full: '3' },
  rows: { normal: '100000', full: '300000' },
  'snapshot-rows': { normal: '100000', full: '1000000' },
  'verify-rows': { normal: '100000', full: '1000000' },
  'transaction-rows': { normal: '100000', full: '1000000' },
  'lag-seconds': { normal: '5', full: '30' },
} as const;

type NumberFlag = keyof typeof numberFlags;

/** @throws UsageError naming every mistake. */
export function readFeedOptions(args: readonly string[], known: readonly string[]): FeedOptions {
  const flags = Object.fromEntries(
    Object.keys(numberFlags).map((name) => [name, { type: 'string' as const }]),
  );
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        ...flags,
        rates: { type: 'string', default: '100,1000' },
        full: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        write: { type: 'string' },
      },
    });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  const { values, positionals } = parsed;
  const problems = positionals
    .filter((name) => !known.includes(name))
    .map((name) => `there is no benchmark "${name}"; there are ${known.join(', ')}`);
  const number = (flag: NumberFlag): number => {
    const given: unknown = (values as Record<string, unknown>)[flag];
    const value = Number(given ?? numberFlags[flag][values.full ? 'full' : 'normal']);
    if (!(value > 0)) problems.push(`--${flag} is a number above 0, got ${JSON.stringify(given)}`);
    return value;
  };
  const ratesPerSecond = values.rates.split(',').map(Number);
  if (!ratesPerSecond.every((rate) => rate > 0)) problems.push('--rates is numbers above 0, e.g. 100,1000');
  const sizes: FeedSizes = {
    rounds: number('rounds'),
    rows: number('rows'),
    snapshotRows: number('snapshot-rows'),
    verifyRows: number('verify-rows'),
    bigTransactionRows: number('transaction-rows'),
    lagMs: number('lag-seconds') * 1_000,
    ratesPerSecond,
  };
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return { names: positionals, sizes, json: values.json, writeFile: values.write ?? null };
}
