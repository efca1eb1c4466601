import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from '../../child.ts';
import { startConsumerProcess } from '../consumer-process.ts';
import { SOURCE_TABLE } from '../bench-rows.ts';
import { prepareFeed, until } from '../feed.ts';
import { against, Rounds, type Measurement } from '../measurement.ts';
import { count, track, type BenchContext } from './bench.ts';

const COPY_OUT = 'COPY out, same client';
const COPY_BOTH = 'COPY out and in, PostgreSQL to PostgreSQL';
const TO_BUS = 'table snapshot on the bus';
const APPLIED = 'table snapshot applied (SQLite)';
const AIM_RATIO = 0.5;

/** A table snapshot from its request to the last row applied, against COPY of the same rows out and in. */
export async function benchTableSnapshot(context: BenchContext): Promise<Measurement> {
  const { database, sizes } = context;
  const rounds = new Rounds();
  await database.empty();
  await database.fill(sizes.snapshotRows, 10_000);
  const copy = await track(context, startChild('feed/contestants/copy.ts', { DATABASE_URL: database.url }));
  for (let round = 1; round <= sizes.rounds; round += 1) {
    for (const [name, kind] of [
      [COPY_OUT, 'out'],
      [COPY_BOTH, 'out-and-in'],
    ] as const) {
      const { rowsPerSecond } = (await copy.ask({ kind })) as { rowsPerSecond: number };
      rounds.add(name, rowsPerSecond);
    }
    const { toBusMs, appliedMs } = await snapshotOnce(context, `bench_snapshot_${round}`);
    rounds.add(TO_BUS, (sizes.snapshotRows / toBusMs) * 1_000);
    rounds.add(APPLIED, (sizes.snapshotRows / appliedMs) * 1_000);
  }
  await copy.close();
  const baseline = { name: COPY_BOTH, value: rounds.median(COPY_BOTH) };
  const applied = against({ name: APPLIED, value: rounds.median(APPLIED), unit: 'rows/s' }, baseline);
  return {
    name: 'snapshot',
    title: 'Table snapshot',
    sizes: `${count(sizes.snapshotRows)} rows, ${sizes.rounds} rounds, an idle source`,
    lines: [
      { name: COPY_OUT, value: rounds.median(COPY_OUT), unit: 'rows/s', ratio: null },
      { ...baseline, unit: 'rows/s', ratio: null },
      against({ name: TO_BUS, value: rounds.median(TO_BUS), unit: 'rows/s' }, baseline),
      applied,
    ],
    aim: {
      text: `applied at half the speed of ${COPY_BOTH} or more`,
      met: (applied.ratio?.value ?? 0) >= AIM_RATIO,
    },
    notes: [],
  };
}

async function snapshotOnce(
  context: BenchContext,
  name: string,
): Promise<{ readonly toBusMs: number; readonly appliedMs: number }> {
  const { folder, sizes } = context;
  const feed = await prepareFeed(context, name);
  const storeFile = join(folder, `${name}.sqlite`);
  try {
    const consumer = await startConsumerProcess({ bus: { file: feed.busFile }, store: { file: storeFile } });
    context.started.push(consumer.child);
    const startMs = performance.now();
    await feed.source.requestTableSnapshot([SOURCE_TABLE], AbortSignal.timeout(30_000));
    await until('all rows are on the bus', async () => (await feed.recordCount()) >= sizes.snapshotRows);
    const toBusMs = performance.now() - startMs;
    await until('all rows are applied', async () => (await consumer.appliedOffset()) >= sizes.snapshotRows);
    const appliedMs = performance.now() - startMs;
    for (const child of [consumer.child, feed.reader]) await child.close();
    return { toBusMs, appliedMs };
  } finally {
    await feed.close();
    await rm(storeFile, { force: true });
  }
}
