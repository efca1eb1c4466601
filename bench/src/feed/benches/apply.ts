import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openSqliteBus } from '@banyan/cdc/bus';
import { startChild } from '../../child.ts';
import { benchRecord } from '../bench-rows.ts';
import { startConsumerProcess, type ConsumerOptions } from '../consumer-process.ts';
import { against, Rounds, type Line, type Measurement } from '../measurement.ts';
import { count, track, type BenchContext } from './bench.ts';

const APPEND_RECORDS = 2_000;

/** A kind of store with its two contestants. */
interface Side {
  readonly raw: string;
  readonly apply: string;
  /** A new, empty store. */
  open(name: string): Promise<ConsumerOptions['store']>;
  drop(store: ConsumerOptions['store']): Promise<void>;
}

/** A backlog on the bus applied by the consumer, against inserts of the same rows by the same client and nothing else. */
export async function benchApply(context: BenchContext): Promise<Measurement> {
  const { folder, sizes } = context;
  const rounds = new Rounds();
  const busFile = join(folder, 'apply.bus.sqlite');
  await fillBus(busFile, sizes.rows);
  const sides = sidesOf(context);
  for (let round = 1; round <= sizes.rounds; round += 1) {
    for (const side of sides) {
      rounds.add(side.raw, await insertRaw(context, side));
      rounds.add(side.apply, await applyOnce(context, side, busFile));
    }
  }
  return {
    name: 'apply',
    title: 'Consumer to store',
    sizes: `${count(sizes.rows)} rows, ${sizes.rounds} rounds`,
    lines: sides.flatMap(({ raw, apply }): Line[] => {
      const baseline = { name: raw, value: rounds.median(raw) };
      const applied = { name: apply, value: rounds.median(apply), unit: 'rows/s' as const };
      return [{ ...baseline, unit: 'rows/s', ratio: null }, against(applied, baseline)];
    }),
    aim: null,
    notes: [],
  };
}

function sidesOf({ folder, database }: BenchContext): readonly Side[] {
  return [
    {
      raw: 'knex batchInsert into SQLite, 500 a transaction',
      apply: 'consumer: bus to SQLite',
      open: (name) => Promise.resolve({ file: join(folder, `${name}.sqlite`) }),
      drop: async (store) => {
        if ('file' in store) await rm(store.file);
      },
    },
    {
      raw: 'knex batchInsert into PostgreSQL, 500 a transaction',
      apply: 'consumer: bus to PostgreSQL',
      open: async (name) => ({ url: await database.createStore(`bench_store_${name}`) }),
      drop: () => Promise.resolve(), // made anew by the next round
    },
  ];
}

async function insertRaw(context: BenchContext, side: Side): Promise<number> {
  const store = await side.open('raw');
  const env: Record<string, string> = 'file' in store ? { STORE_FILE: store.file } : { STORE_URL: store.url };
  const raw = await track(context, startChild('feed/contestants/raw-inserts.ts', env));
  const { rowsPerSecond } = (await raw.ask({ kind: 'insert', rows: context.sizes.rows })) as {
    rowsPerSecond: number;
  };
  await raw.close();
  await side.drop(store);
  return rowsPerSecond;
}

async function applyOnce(context: BenchContext, side: Side, busFile: string): Promise<number> {
  const store = await side.open('apply');
  const consumer = await startConsumerProcess({ bus: { file: busFile }, store });
  context.started.push(consumer.child);
  const rate = await consumer.rateUntil(context.sizes.rows);
  await consumer.child.close();
  await side.drop(store);
  return rate;
}

async function fillBus(file: string, rows: number): Promise<void> {
  const bus = await openSqliteBus({ file });
  for (let first = 1; first <= rows; first += APPEND_RECORDS) {
    const ids = Array.from({ length: Math.min(APPEND_RECORDS, rows - first + 1) }, (_, i) => first + i);
    await bus.append(ids.map((id) => benchRecord(id, Date.now())));
  }
  await bus.close();
}
