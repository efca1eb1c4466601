import { join } from 'node:path';
import { startChild } from '../../child.ts';
import { startConsumerProcess, type ConsumerProcess, type Lags } from '../consumer-process.ts';
import { prepareFeed } from '../feed.ts';
import { percentile, type Line, type Measurement } from '../measurement.ts';
import type { FeedSizes } from '../options.ts';
import { track, type BenchContext } from './bench.ts';

const WARM_UP_MS = 2_000;
/** Transactions a second of the aim, and the 99th percentile wanted there. */
const AIM_PER_SECOND = 1_000;
const AIM_P99_MS = 60;

/** What the writer says of its own transactions. */
export interface Written {
  /** Each with a record of its own on the bus. */
  readonly rows: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Lags of one rate. */
export interface LagAtRate {
  readonly perSecond: number;
  readonly written: Written;
  readonly lags: Lags;
}

/** Commit to apply, while a process of its own writes small transactions at a steady rate. */
export async function benchLag(context: BenchContext): Promise<Measurement> {
  const { database, folder, sizes } = context;
  await database.empty();
  const feed = await prepareFeed(context, 'bench_lag');
  let measured: readonly LagAtRate[];
  try {
    const consumer = await startConsumerProcess({
      bus: { file: feed.busFile },
      store: { file: join(folder, 'lag.sqlite') },
      measureLag: true,
    });
    context.started.push(consumer.child);
    measured = await lagAtRates(context, consumer);
    for (const child of [consumer.child, feed.reader]) await child.close();
  } finally {
    await feed.close();
  }
  const atAim = measured.find(({ perSecond }) => perSecond === AIM_PER_SECOND);
  return {
    name: 'lag',
    title: 'Lag, commit to apply (SQLite)',
    sizes: lagSizes(sizes),
    lines: measured.flatMap(linesOf),
    aim: atAim
      ? {
          text: `p99 under ${AIM_P99_MS} ms at ${AIM_PER_SECOND} tx/s`,
          met: percentile(atAim.lags.toAppliedMs, 0.99) < AIM_P99_MS,
        }
      : null,
    notes: [],
  };
}

/** How long is written at each rate, for people. */
export function lagSizes({ lagMs }: FeedSizes): string {
  return `${lagMs / 1_000} s at each rate after ${WARM_UP_MS / 1_000} s to warm up, one row a transaction`;
}

/** @param consumer With `measureLag`; the table is empty, and its feed runs. */
export async function lagAtRates(
  context: BenchContext,
  consumer: ConsumerProcess,
): Promise<readonly LagAtRate[]> {
  const { database, sizes } = context;
  const writer = await track(
    context,
    startChild('feed/contestants/writer.ts', { DATABASE_URL: database.url }),
  );
  const measured: LagAtRate[] = [];
  for (const perSecond of sizes.ratesPerSecond) {
    const write = async (timeMs: number): Promise<{ written: Written; lags: Lags }> => {
      const written = (await writer.ask({ kind: 'write', perSecond, timeMs })) as Written;
      return { written, lags: await consumer.takeLags(written.rows) };
    };
    await write(Math.min(WARM_UP_MS, sizes.lagMs));
    measured.push({ perSecond, ...(await write(sizes.lagMs)) });
  }
  await writer.close();
  return measured;
}

function linesOf({ perSecond, written, lags }: LagAtRate): Line[] {
  const wanted = `${perSecond} tx/s`;
  const commit99 = { name: `${wanted}: commit at the writer, p99`, value: written.p99Ms };
  const p99Ms = percentile(lags.toAppliedMs, 0.99);
  return [
    {
      name: `${wanted}: written in fact`,
      value: written.perSecond,
      unit: 'tx/s',
      ratio: { of: 'the rate wanted', value: written.perSecond / perSecond },
    },
    { name: `${wanted}: commit at the writer, p50`, value: written.p50Ms, unit: 'ms', ratio: null },
    { ...commit99, unit: 'ms', ratio: null },
    {
      name: `${wanted}: until on the bus, p50`,
      value: percentile(lags.toBusMs, 0.5),
      unit: 'ms',
      ratio: null,
    },
    {
      name: `${wanted}: until on the bus, p99`,
      value: percentile(lags.toBusMs, 0.99),
      unit: 'ms',
      ratio: null,
    },
    { name: `${wanted}: lag, p50`, value: percentile(lags.toAppliedMs, 0.5), unit: 'ms', ratio: null },
    {
      name: `${wanted}: lag, p99`,
      value: p99Ms,
      unit: 'ms',
      ratio: { of: commit99.name, value: p99Ms / commit99.value },
    },
  ];
}
