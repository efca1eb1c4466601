import type { KafkaStack } from '@banyan/kafka';
import { count, track } from '../../feed/benches/bench.ts';
import { startConsumerProcess, type ConsumerOptions } from '../../feed/consumer-process.ts';
import { prepareFeed } from '../../feed/feed.ts';
import { against, Rounds, type Measurement } from '../../feed/measurement.ts';
import { prepareDebeziumFeed, type DebeziumFeed } from '../debezium-feed.ts';
import { startJdbcSink } from '../jdbc-sink.ts';
import { storedRate } from '../stored-rate.ts';
import { ROWS_PER_TRANSACTION, type StackContext } from './stack-bench.ts';

const PEERS = 'Debezium, Kafka, Debezium JDBC sink';
const FULL = 'Debezium, Kafka, Banyan’s consumer';
const EMBEDDED = 'embedded: reader, SQLite bus, consumer';

/** One backlog of the WAL, through source, bus and sink at once, into a PostgreSQL. */
export async function benchBothEnds(context: StackContext): Promise<Measurement> {
  const { sizes, kafka } = context;
  const stack = await kafka.start();
  const rounds = new Rounds();
  for (let round = 1; round <= sizes.rounds; round += 1)
    await measureRound(context, { stack, round, rounds });
  const baseline = { name: PEERS, value: rounds.median(PEERS) };
  const line = (name: string): Measurement['lines'][number] =>
    against({ name, value: rounds.median(name), unit: 'rows/s' }, baseline);
  return {
    name: 'both-ends',
    title: 'Both ends together, PostgreSQL to PostgreSQL',
    sizes: `${count(sizes.rows)} rows in transactions of ${ROWS_PER_TRANSACTION}, ${sizes.rounds} rounds`,
    lines: [{ ...baseline, unit: 'rows/s', ratio: null }, line(FULL), line(EMBEDDED)],
    aim: null,
    notes: [],
  };
}

async function measureRound(
  context: StackContext,
  { stack, round, rounds }: { readonly stack: KafkaStack; readonly round: number; readonly rounds: Rounds },
): Promise<void> {
  const { database, sizes } = context;
  const parts = { database, stack };
  await database.empty();
  const feed = await prepareFeed(context, `both_embedded_${round}`);
  const plain = await prepareDebeziumFeed(parts, { name: `both_plain_${round}` });
  const schemas = await prepareDebeziumFeed(parts, { name: `both_schemas_${round}`, withSchemas: true });
  try {
    await feed.reader.close();
    for (const debezium of [plain, schemas]) await debezium.stop();
    await database.fill(sizes.rows, ROWS_PER_TRANSACTION);
    rounds.add(
      EMBEDDED,
      await throughConsumer(context, { file: feed.busFile }, async () => {
        const reader = await track(context, feed.startReader());
        return () => reader.close();
      }),
    );
    rounds.add(FULL, await throughConsumer(context, plain.topics, () => running(plain)));
    const storeUrl = await database.createStore('both_jdbc');
    const sink = await startJdbcSink(stack, { name: `both_jdbc_${round}`, topic: schemas.topic, storeUrl });
    const stop = await running(schemas);
    rounds.add(PEERS, await storedRate(storeUrl, sizes.rows));
    await stop();
    await sink.close();
  } finally {
    for (const debezium of [plain, schemas]) await debezium.close();
    await feed.close();
  }
}

async function running(feed: DebeziumFeed): Promise<() => Promise<void>> {
  await feed.resume();
  return () => feed.stop();
}

/** @param startSource Gives what ends the source again. */
async function throughConsumer(
  context: StackContext,
  bus: ConsumerOptions['bus'],
  startSource: () => Promise<() => Promise<void>>,
): Promise<number> {
  const url = await context.database.createStore('both_consumer');
  const consumer = await startConsumerProcess({ bus, store: { url } });
  context.started.push(consumer.child);
  const stopSource = await startSource();
  const rate = await storedRate(url, context.sizes.rows);
  await stopSource();
  await consumer.child.close();
  return rate;
}
