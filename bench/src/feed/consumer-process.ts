import { randomBytes } from 'node:crypto';
import type { SyncReport } from '@banyan/contracts';
import { startChild, type Child } from '../child.ts';
import { until } from './feed.ts';

/** What the consumer's process says of itself. */
interface Answer {
  readonly rows: number;
  readonly firstBatchRows: number;
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
  readonly report: SyncReport;
}

/** A service's consumer in a process of its own, with the routes that a verification asks. */
export interface ConsumerProcess {
  readonly child: Child;
  readonly url: string;
  readonly peerToken: string;
  /** Offset after the last applied record of the table. @throws Error when the consumer fails or holds records. */
  appliedOffset(): Promise<number>;
  /** Waits until everything before `offset` is applied. @returns rows a second, the first batch left out. */
  rateUntil(offset: number): Promise<number>;
  /** Waits until so many rows have come since the last call, and gives their lags. Only with `measureLag`. */
  takeLags(rows: number): Promise<Lags>;
}

/** From the commit at the source, milliseconds: to the bus's time stamp, and to the commit in the store. */
export interface Lags {
  readonly toBusMs: readonly number[];
  readonly toAppliedMs: readonly number[];
}

/** A Kafka, e.g. `127.0.0.1:9092`, and the first part of the topics' names. */
export interface KafkaTopics {
  readonly brokers: string;
  readonly prefix: string;
}

/** What a consumer reads from and where it applies to. */
export interface ConsumerOptions {
  readonly bus: { readonly file: string } | KafkaTopics;
  /** A SQLite file, or a PostgreSQL's URL. */
  readonly store: { readonly file: string } | { readonly url: string };
  readonly measureLag?: boolean;
}

/** Starts it; it consumes from the beginning of the bus at once. */
export async function startConsumerProcess(options: ConsumerOptions): Promise<ConsumerProcess> {
  const { bus, store, measureLag = false } = options;
  const peerToken = randomBytes(16).toString('hex');
  const child = await startChild('feed/contestants/consumer.ts', {
    ...('file' in bus ? { BUS_FILE: bus.file } : { KAFKA_BROKERS: bus.brokers, TOPIC_PREFIX: bus.prefix }),
    ...('file' in store ? { STORE_FILE: store.file } : { STORE_URL: store.url }),
    PEER_TOKEN: peerToken,
    ...(measureLag ? { MEASURE_LAG: '1' } : {}),
  });
  const ask = async (): Promise<Answer> => {
    const answer = (await child.ask({ kind: 'report' })) as Answer;
    const { error, tables } = answer.report;
    const held = tables.reduce((sum, { quarantined }) => sum + quarantined, 0);
    if (error !== null || held > 0)
      throw new Error(`The consumer holds ${held} records: ${error ?? 'no error'}`);
    return answer;
  };
  const appliedOffset = async (): Promise<number> => (await ask()).report.tables[0]?.nextOffset ?? 0;
  return {
    child,
    url: (child.ready as { url: string }).url,
    peerToken,
    appliedOffset,
    async rateUntil(offset) {
      await until(`offset ${offset} is applied`, async () => (await appliedOffset()) >= offset);
      const { rows, firstBatchRows, firstAtMs, lastAtMs } = await ask();
      return ((rows - firstBatchRows) / Math.max(1, (lastAtMs ?? 0) - (firstAtMs ?? 0))) * 1_000;
    },
    async takeLags(rows) {
      await until(`${rows} rows are applied`, async () => {
        await ask(); // fails when the consumer does
        return ((await child.ask({ kind: 'lag-count' })) as { count: number }).count >= rows;
      });
      return (await child.ask({ kind: 'lags' })) as Lags;
    },
  };
}
