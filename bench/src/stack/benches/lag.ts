import { join } from 'node:path';
import { lagAtRates, lagSizes, type LagAtRate } from '../../feed/benches/lag.ts';
import { startConsumerProcess, type ConsumerOptions } from '../../feed/consumer-process.ts';
import { prepareFeed } from '../../feed/feed.ts';
import { percentile, type Line, type Measurement } from '../../feed/measurement.ts';
import { prepareDebeziumFeed } from '../debezium-feed.ts';
import type { StackContext } from './stack-bench.ts';

/** Commit to apply in both stacks, with the same writer, consumer and kind of store (SQLite). */
export async function benchStackLag(context: StackContext): Promise<Measurement> {
  const { database, sizes } = context;
  await database.empty();
  const feed = await prepareFeed(context, 'stack_lag_embedded');
  let embedded: readonly LagAtRate[];
  try {
    embedded = await lagThrough(context, { file: feed.busFile }, 'embedded');
  } finally {
    await feed.close();
  }
  const full = await debeziumLag(context, { exactlyOnce: true });
  return {
    name: 'stack-lag',
    title: 'Lag, commit to apply',
    sizes: lagSizes(sizes),
    lines: embedded.flatMap((at, index) => {
      const kafka = full[index];
      return [...lagLines('embedded', at), ...(kafka ? lagLines('Debezium and Kafka', kafka, at) : [])];
    }),
    aim: null,
    notes: [
      'Into SQLite, as the sample services do. The clock runs from the commit time in the envelope to the moment after the store’s commit.',
      ...writersOf(embedded, full),
    ],
  };
}

/** Lags through Debezium and Kafka, at each rate. */
export async function debeziumLag(
  context: StackContext,
  settings: { readonly exactlyOnce: boolean; readonly fetchMaxWaitMs?: number },
): Promise<readonly LagAtRate[]> {
  const { database, kafka } = context;
  const { exactlyOnce } = settings;
  await database.empty();
  const stack = await kafka.start(settings);
  const name = `lag_debezium_${exactlyOnce ? 'once' : 'at_least_once'}_${context.started.length}`;
  const feed = await prepareDebeziumFeed({ database, stack }, { name, ...settings });
  try {
    return await lagThrough(context, feed.topics, name);
  } finally {
    await feed.close();
  }
}

async function lagThrough(
  context: StackContext,
  bus: ConsumerOptions['bus'],
  name: string,
): Promise<readonly LagAtRate[]> {
  const store = { file: join(context.folder, `${name}.sqlite`) };
  const consumer = await startConsumerProcess({ bus, store, measureLag: true });
  context.started.push(consumer.child);
  const measured = await lagAtRates(context, consumer);
  await consumer.child.close();
  return measured;
}

/** p50 and p99, against those of `other` where it is given. */
export function lagLines(who: string, { perSecond, lags }: LagAtRate, other?: LagAtRate): Line[] {
  return [0.5, 0.99].map((share): Line => {
    const value = percentile(lags.toAppliedMs, share);
    const baseline = other ? percentile(other.lags.toAppliedMs, share) : 0;
    return {
      name: `${perSecond} tx/s: ${who}, p${share * 100}`,
      value,
      unit: 'ms',
      ratio: baseline > 0 ? { of: 'the one above', value: value / baseline } : null,
    };
  });
}

/** How well the writers kept to their rates, and how busy the machine was meanwhile. */
export function writersOf(...runs: readonly (readonly LagAtRate[])[]): readonly string[] {
  const said = runs.flat().map(({ perSecond, written }) => {
    const got = Math.round(written.perSecond).toLocaleString('en-US');
    return `${got} tx/s of ${perSecond.toLocaleString('en-US')}, p99 ${Math.round(written.p99Ms)} ms`;
  });
  return [`The writer itself, in the same order, with the time of its own commits: ${said.join('; ')}.`];
}
