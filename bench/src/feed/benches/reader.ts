import { startChild } from '../../child.ts';
import { prepareFeed, rateUntil } from '../feed.ts';
import { against, Rounds, type Measurement } from '../measurement.ts';
import { count, track, type BenchContext } from './bench.ts';

/** Rows of one transaction of the backlog. */
const ROWS_PER_TRANSACTION = 100;
const COPY_OUT = 'COPY out, same client';
const READER = 'reader: WAL to bus';

/** A backlog of committed inserts through the reader to the bus, against COPY of the same rows to the same driver. */
export async function benchReader(context: BenchContext): Promise<Measurement> {
  const { database, sizes } = context;
  const rounds = new Rounds();
  const copy = await track(context, startChild('feed/contestants/copy.ts', { DATABASE_URL: database.url }));
  for (let round = 1; round <= sizes.rounds; round += 1) {
    await database.empty();
    const feed = await prepareFeed(context, `bench_reader_${round}`);
    try {
      await feed.reader.close();
      await database.fill(sizes.rows, ROWS_PER_TRANSACTION);
      const { rowsPerSecond } = (await copy.ask({ kind: 'out' })) as { rowsPerSecond: number };
      rounds.add(COPY_OUT, rowsPerSecond);
      const reader = await track(context, feed.startReader());
      rounds.add(READER, await rateUntil(sizes.rows, () => feed.recordCount()));
      await reader.close();
    } finally {
      await feed.close();
    }
  }
  await copy.close();
  const baseline = { name: COPY_OUT, value: rounds.median(COPY_OUT) };
  return {
    name: 'reader',
    title: 'Reader to bus',
    sizes: `${count(sizes.rows)} rows in transactions of ${ROWS_PER_TRANSACTION}, ${sizes.rounds} rounds`,
    lines: [
      { ...baseline, unit: 'rows/s', ratio: null },
      against({ name: READER, value: rounds.median(READER), unit: 'rows/s' }, baseline),
    ],
    aim: null,
    notes: [],
  };
}
