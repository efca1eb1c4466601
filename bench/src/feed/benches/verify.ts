import { join } from 'node:path';
import { startChild } from '../../child.ts';
import { SOURCE_TABLE } from '../bench-rows.ts';
import { startConsumerProcess } from '../consumer-process.ts';
import { prepareFeed, until } from '../feed.ts';
import { against, Rounds, type Measurement } from '../measurement.ts';
import { count, track, type BenchContext } from './bench.ts';

const READ_BOTH = 'reading both sides once, one after the other';
const VERIFY = 'verification';
const AIM_RATIO = 2;
const FEED = 'bench_verify';

interface Verified {
  readonly rowsSource: number;
  readonly rowsTarget: number;
  readonly differences: number;
  readonly ms: number;
}

/** A verification without a difference, against reading all rows of both sides. */
export async function benchVerify(context: BenchContext): Promise<Measurement> {
  const { database, folder, sizes } = context;
  await database.empty();
  await database.fill(sizes.verifyRows, 10_000);
  const feed = await prepareFeed(context, FEED);
  const rounds = new Rounds();
  try {
    const storeFile = join(folder, 'verify.sqlite');
    const consumer = await startConsumerProcess({ bus: { file: feed.busFile }, store: { file: storeFile } });
    context.started.push(consumer.child);
    await feed.source.requestTableSnapshot([SOURCE_TABLE], AbortSignal.timeout(30_000));
    await until('the copy is complete', async () => (await consumer.appliedOffset()) >= sizes.verifyRows);
    const env = {
      DATABASE_URL: database.url,
      STORE_FILE: storeFile,
      FEED_NAME: FEED,
      BUS_FILE: feed.busFile,
    };
    const service = { SERVICE_URL: consumer.url, PEER_TOKEN: consumer.peerToken };
    const readBoth = await track(context, startChild('feed/contestants/read-both.ts', env));
    const verify = await track(context, startChild('feed/contestants/verify.ts', { ...env, ...service }));
    for (let round = 1; round <= sizes.rounds; round += 1) {
      rounds.add(READ_BOTH, ((await readBoth.ask({ kind: 'read' })) as { ms: number }).ms);
      const verified = (await verify.ask({ kind: 'verify' })) as Verified;
      if (verified.differences > 0 || verified.rowsTarget !== sizes.verifyRows) {
        throw new Error(`The verification is wrong: ${JSON.stringify(verified)}`);
      }
      rounds.add(VERIFY, verified.ms);
    }
    for (const child of [verify, readBoth, consumer.child, feed.reader]) await child.close();
  } finally {
    await feed.close();
  }
  const baseline = { name: READ_BOTH, value: rounds.median(READ_BOTH) };
  const verification = against({ name: VERIFY, value: rounds.median(VERIFY), unit: 'ms' }, baseline);
  return {
    name: 'verify',
    title: 'Verification',
    sizes: `${count(sizes.verifyRows)} rows, ${sizes.rounds} rounds`,
    lines: [{ ...baseline, unit: 'ms', ratio: null }, verification],
    aim: {
      text: 'at most twice the time of reading both sides',
      met: (verification.ratio?.value ?? Infinity) <= AIM_RATIO,
    },
    notes: [],
  };
}
