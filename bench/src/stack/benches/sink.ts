import type { KafkaStack } from '@banyan/kafka';
import { count } from '../../feed/benches/bench.ts';
import { startConsumerProcess, type KafkaTopics } from '../../feed/consumer-process.ts';
import { against, Rounds, type Measurement } from '../../feed/measurement.ts';
import { prepareDebeziumFeed, type DebeziumFeed } from '../debezium-feed.ts';
import { startJdbcSink } from '../jdbc-sink.ts';
import { storedRate } from '../stored-rate.ts';
import { ROWS_PER_TRANSACTION, type StackContext } from './stack-bench.ts';

const SINK = 'Debezium JDBC sink, upserts, batches of 500';
const TUNED = 'the same, batches of 2,000, reduced, rewritten';
const CONSUMER = 'Banyan’s consumer';
const AIM_RATIO = 5;

/** The same rows, once as Banyan's consumer reads them and once with schemas. */
interface Backlog {
  readonly plain: KafkaTopics;
  /** Topic of the records with schemas. */
  readonly withSchemas: string;
}

/** A backlog in Kafka, applied to a PostgreSQL. */
export async function benchSink(context: StackContext): Promise<Measurement> {
  const { database, sizes, kafka } = context;
  const stack = await kafka.start();
  const backlog = await fillTopics(context, stack);
  const rounds = new Rounds();
  // Round 0 warms Java up and is not counted.
  for (let round = 0; round <= sizes.rounds; round += 1) {
    const add = (name: string, rate: number): void => {
      if (round > 0) rounds.add(name, rate);
    };
    add(CONSUMER, await consumerRate(context, backlog.plain));
    for (const [name, isTuned] of [
      [SINK, false],
      [TUNED, true],
    ] as const) {
      const storeUrl = await database.createStore('sink_jdbc');
      const connector = `sink_jdbc_${round}_${isTuned ? 'tuned' : 'plain'}`;
      const sink = await startJdbcSink(stack, {
        name: connector,
        topic: backlog.withSchemas,
        storeUrl,
        isTuned,
      });
      add(name, await storedRate(storeUrl, sizes.rows));
      await sink.close();
    }
  }
  const baseline = { name: SINK, value: rounds.median(SINK) };
  const consumer = against({ name: CONSUMER, value: rounds.median(CONSUMER), unit: 'rows/s' }, baseline);
  return {
    name: 'sink',
    title: 'Kafka to PostgreSQL',
    sizes: `${count(sizes.rows)} rows, ${sizes.rounds} rounds`,
    lines: [
      { ...baseline, unit: 'rows/s', ratio: null },
      against({ name: TUNED, value: rounds.median(TUNED), unit: 'rows/s' }, baseline),
      consumer,
    ],
    aim: {
      text: `Banyan’s consumer at least ${AIM_RATIO} times as fast as the sink`,
      met: (consumer.ratio?.value ?? 0) >= AIM_RATIO,
    },
    notes: [
      'The sink reads the same rows from a topic whose records carry their schemas, since it needs them: about three times the bytes. Tuned: `batch.size=2000`, `max.poll.records=2000`, `use.reduction.buffer`, and the driver’s `reWriteBatchedInserts`.',
    ],
  };
}

async function fillTopics({ database, sizes }: StackContext, stack: KafkaStack): Promise<Backlog> {
  await database.empty();
  const plain = await prepareDebeziumFeed({ database, stack }, { name: 'sink_plain' });
  const withSchemas = await prepareDebeziumFeed(
    { database, stack },
    { name: 'sink_schemas', withSchemas: true },
  );
  const both: readonly DebeziumFeed[] = [plain, withSchemas];
  try {
    await database.fill(sizes.rows, ROWS_PER_TRANSACTION);
    for (const feed of both) await feed.caughtUp();
  } finally {
    for (const feed of both) await feed.close();
  }
  return { plain: plain.topics, withSchemas: withSchemas.topic };
}

async function consumerRate(context: StackContext, bus: KafkaTopics): Promise<number> {
  const url = await context.database.createStore('sink_consumer');
  const consumer = await startConsumerProcess({ bus, store: { url } });
  context.started.push(consumer.child);
  const rate = await storedRate(url, context.sizes.rows);
  await consumer.child.close();
  return rate;
}
