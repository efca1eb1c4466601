import { join } from 'node:path';
import { startChild } from '../../child.ts';
import { startConsumerProcess, type Lags } from '../consumer-process.ts';
import { prepareFeed, until } from '../feed.ts';
import { percentile, type Line, type Measurement } from '../measurement.ts';
import { track, type BenchContext } from './bench.ts';

const WARM_UP_MS = 2_000;
/** Transactions a second of the aim, and the 99th percentile wanted there. */
const AIM_PER_SECOND = 1_000;
const AIM_P99_MS = 60;

interface Written {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Commit to apply, while a process of its own writes small transactions at a steady rate. */
export async function benchLag(context: BenchContext): Promise<Measurement> {
  const { database, folder, sizes } = context;
  await database.empty();
  const feed = await prepareFeed(context, 'bench_lag');
  const lines: Line[] = [];
  let aimP99Ms = NaN;
  try {
    const storeFile = join(folder, 'lag.sqlite');
    const consumer = await startConsumerProcess({
      busFile: feed.busFile,
      store: { file: storeFile },
      measureLag: true,
    });
    context.started.push(consumer.child);
    const writer = await track(
      context,
      startChild('feed/contestants/writer.ts', { DATABASE_URL: database.url }),
    );
    for (const perSecond of sizes.ratesPerSecond) {
      const write = async (timeMs: number): Promise<Written> =>
        (await writer.ask({ kind: 'write', perSecond, timeMs })) as Written;
      const rest = async (): Promise<Lags> => {
        const position = await feed.source.takePosition(AbortSignal.timeout(30_000));
        await until(`the slot has confirmed ${position}`, async () => {
          const rows = await database.sql(
            `SELECT confirmed_flush_lsn >= $1::pg_lsn AS done FROM pg_replication_slots WHERE slot_name = 'bench_lag'`,
            [position],
          );
          return rows[0]?.['done'] === true;
        });
        const end = await feed.recordCount();
        await until('everything is applied', async () => (await consumer.appliedOffset()) >= end);
        return await consumer.takeLags();
      };
      await write(Math.min(WARM_UP_MS, sizes.lagMs));
      await rest();
      const written = await write(sizes.lagMs);
      const lags = await rest();
      const p99Ms = percentile(lags.toAppliedMs, 0.99);
      if (perSecond === AIM_PER_SECOND) aimP99Ms = p99Ms;
      lines.push(...linesOf(perSecond, written, lags));
    }
    for (const child of [writer, consumer.child, feed.reader]) await child.close();
  } finally {
    await feed.close();
  }
  return {
    name: 'lag',
    title: 'Lag, commit to apply (SQLite)',
    sizes: `${sizes.lagMs / 1_000} s at each rate after ${WARM_UP_MS / 1_000} s to warm up, one row a transaction`,
    lines,
    aim: Number.isNaN(aimP99Ms)
      ? null
      : { text: `p99 under ${AIM_P99_MS} ms at ${AIM_PER_SECOND} tx/s`, met: aimP99Ms < AIM_P99_MS },
    notes: [],
  };
}

function linesOf(perSecond: number, written: Written, lags: Lags): Line[] {
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
