import { count, track } from '../../feed/benches/bench.ts';
import { prepareFeed, rateUntil } from '../../feed/feed.ts';
import { against, Rounds, type Measurement } from '../../feed/measurement.ts';
import { prepareDebeziumFeed } from '../debezium-feed.ts';
import { ROWS_PER_TRANSACTION, type StackContext } from './stack-bench.ts';

const EMBEDDED = 'embedded reader: WAL to SQLite bus';
const DEBEZIUM = 'Debezium: WAL to Kafka';
/** Each look at a topic's end costs the broker two requests. */
const KAFKA_POLL_MS = 100;
const AIM_RATIO = 3;

/** One backlog of committed inserts, read by each source in turn through a slot of its own. */
export async function benchSource(context: StackContext): Promise<Measurement> {
  const { database, sizes, kafka } = context;
  const stack = await kafka.start();
  const rounds = new Rounds();
  // Round 0 warms Java up and is not counted.
  for (let round = 0; round <= sizes.rounds; round += 1) {
    const add = (name: string, rate: number): void => {
      if (round > 0) rounds.add(name, rate);
    };
    await database.empty();
    const feed = await prepareFeed(context, `source_embedded_${round}`);
    const debezium = await prepareDebeziumFeed({ database, stack }, { name: `source_debezium_${round}` });
    try {
      await feed.reader.close();
      await debezium.stop();
      await database.fill(sizes.rows, ROWS_PER_TRANSACTION);
      const reader = await track(context, feed.startReader());
      add(EMBEDDED, await rateUntil(sizes.rows, () => feed.recordCount()));
      await reader.close();
      await debezium.resume();
      add(DEBEZIUM, await rateUntil(sizes.rows, () => debezium.recordCount(), KAFKA_POLL_MS));
    } finally {
      await debezium.close();
      await feed.close();
    }
  }
  const baseline = { name: DEBEZIUM, value: rounds.median(DEBEZIUM) };
  const embedded = against({ name: EMBEDDED, value: rounds.median(EMBEDDED), unit: 'rows/s' }, baseline);
  return {
    name: 'source',
    title: 'Source to bus',
    sizes: `${count(sizes.rows)} rows in transactions of ${ROWS_PER_TRANSACTION}, ${sizes.rounds} rounds`,
    lines: [{ ...baseline, unit: 'rows/s', ratio: null }, embedded],
    aim: {
      text: `the embedded reader at least ${AIM_RATIO} times as fast as Debezium`,
      met: (embedded.ratio?.value ?? 0) >= AIM_RATIO,
    },
    notes: [
      'Debezium as Banyan sets it up: exactly-once, small records without schemas, its Java warmed up by a round before.',
    ],
  };
}
