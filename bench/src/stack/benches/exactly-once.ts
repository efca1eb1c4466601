import { count } from '../../feed/benches/bench.ts';
import { rateUntil } from '../../feed/feed.ts';
import { median, type Line, type Measurement } from '../../feed/measurement.ts';
import { prepareDebeziumFeed } from '../debezium-feed.ts';
import { debeziumLag, lagLines, writersOf } from './lag.ts';
import { ROWS_PER_TRANSACTION, type StackContext } from './stack-bench.ts';

const KAFKA_POLL_MS = 100;
const WITH = 'with exactly-once';
const WITHOUT = 'without';

/** Debezium to Kafka on a worker with exactly-once source support and on one without. */
export async function benchExactlyOnce(context: StackContext): Promise<Measurement> {
  const { sizes } = context;
  const without = {
    rate: await backlogRate(context, false),
    lags: await debeziumLag(context, { exactlyOnce: false }),
  };
  const once = {
    rate: await backlogRate(context, true),
    lags: await debeziumLag(context, { exactlyOnce: true }),
  };
  const lines: Line[] = [
    { name: `${WITHOUT}: WAL to Kafka`, value: without.rate, unit: 'rows/s', ratio: null },
    {
      name: `${WITH}: WAL to Kafka`,
      value: once.rate,
      unit: 'rows/s',
      ratio: { of: WITHOUT, value: once.rate / without.rate },
    },
    ...without.lags.flatMap((at, index) => {
      const other = once.lags[index];
      return [...lagLines(WITHOUT, at), ...(other ? lagLines(WITH, other, at) : [])];
    }),
  ];
  return {
    name: 'exactly-once',
    title: 'What exactly-once costs',
    sizes: `${count(sizes.rows)} rows in transactions of ${ROWS_PER_TRANSACTION}, ${sizes.rounds} rounds, and lag as above`,
    lines,
    aim: null,
    notes: [
      'Two starts of Kafka and Connect, one after the other: the setting is the worker’s. The first round of each warms its Java up and is not counted.',
      ...writersOf(without.lags, once.lags),
    ],
  };
}

async function backlogRate(context: StackContext, exactlyOnce: boolean): Promise<number> {
  const { database, sizes, kafka } = context;
  const stack = await kafka.start({ exactlyOnce, isNew: true });
  const rates: number[] = [];
  for (let round = 0; round <= sizes.rounds; round += 1) {
    await database.empty();
    const name = `once_${exactlyOnce ? 'on' : 'off'}_${round}`;
    const feed = await prepareDebeziumFeed({ database, stack }, { name, exactlyOnce });
    try {
      await feed.stop();
      await database.fill(sizes.rows, ROWS_PER_TRANSACTION);
      await feed.resume();
      rates.push(await rateUntil(sizes.rows, () => feed.recordCount(), KAFKA_POLL_MS));
    } finally {
      await feed.close();
    }
  }
  return median(rates.slice(1));
}
