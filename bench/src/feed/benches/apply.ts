import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openSqliteBus } from '@banyan/cdc';
import { startChild } from '../../child.ts';
import { benchRecord } from '../bench-rows.ts';
import { startConsumerProcess } from '../consumer-process.ts';
import { against, Rounds, type Measurement } from '../measurement.ts';
import { count, track, type BenchContext } from './bench.ts';

const APPEND_RECORDS = 2_000;
const RAW_SQLITE = 'knex batchInsert into SQLite, 500 a transaction';
const APPLY_SQLITE = 'consumer: bus to SQLite';

/** A backlog on the bus applied by the consumer, against inserts of the same rows by the same client and nothing else. */
export async function benchApply(context: BenchContext): Promise<Measurement> {
  const { folder, sizes } = context;
  const rounds = new Rounds();
  const busFile = join(folder, 'apply.bus.sqlite');
  await fillBus(busFile, sizes.rows);
  const raw = await track(
    context,
    startChild('feed/contestants/raw-sqlite-inserts.ts', { STORE_FILE: join(folder, 'raw.sqlite') }),
  );
  for (let round = 1; round <= sizes.rounds; round += 1) {
    const answer = (await raw.ask({ kind: 'insert', rows: sizes.rows })) as { rowsPerSecond: number };
    rounds.add(RAW_SQLITE, answer.rowsPerSecond);
    const storeFile = join(folder, `apply.${round}.sqlite`);
    const consumer = await startConsumerProcess({ busFile, storeFile });
    context.started.push(consumer.child);
    rounds.add(APPLY_SQLITE, await consumer.rateUntil(sizes.rows));
    await consumer.child.close();
    await rm(storeFile);
  }
  await raw.close();
  const baseline = { name: RAW_SQLITE, value: rounds.median(RAW_SQLITE) };
  return {
    name: 'apply',
    title: 'Consumer to store',
    sizes: `${count(sizes.rows)} rows, ${sizes.rounds} rounds`,
    lines: [
      { ...baseline, unit: 'rows/s', ratio: null },
      against({ name: APPLY_SQLITE, value: rounds.median(APPLY_SQLITE), unit: 'rows/s' }, baseline),
    ],
    aim: null,
    notes: [],
  };
}

async function fillBus(file: string, rows: number): Promise<void> {
  const bus = await openSqliteBus({ file });
  for (let first = 1; first <= rows; first += APPEND_RECORDS) {
    const ids = Array.from({ length: Math.min(APPEND_RECORDS, rows - first + 1) }, (_, i) => first + i);
    await bus.append(ids.map((id) => benchRecord(id, Date.now())));
  }
  await bus.close();
}
