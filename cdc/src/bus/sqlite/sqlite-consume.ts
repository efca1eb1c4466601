import type { Knex } from 'knex';
import { setTimeout as delay } from 'node:timers/promises';
import {
  BusClosedError,
  DEFAULT_BATCH_BYTES,
  DEFAULT_BATCH_RECORDS,
  type ConsumeOptions,
  type StoredRecord,
} from '../bus.ts';
import { readRecords } from './sqlite-records.ts';

/** How often a consumer with nothing to do looks whether another process has written. */
const POLL_INTERVAL_MS = 10;

interface Look {
  /** Of the file, before it was read. */
  readonly version: number | undefined;
  readonly records: readonly StoredRecord[];
}

/** Hands records over until a signal aborts, waiting for more when there are none. */
export async function consumeRecords(
  options: ConsumeOptions & { readonly reader: Knex; readonly closing: AbortSignal },
): Promise<void> {
  const { from, maxBatchRecords = DEFAULT_BATCH_RECORDS, maxBatchBytes = DEFAULT_BATCH_BYTES } = options;
  const { reader, closing, signal } = options;
  const positions = new Map(from.map(({ topic, nextOffset }) => [topic, nextOffset]));
  const stop = AbortSignal.any([signal, closing]);
  const readNext = async (): Promise<Look> => {
    // 1. the version, 2. the read: what is written between the two is found at the next turn.
    const version = await dataVersion(reader);
    const limits = { records: maxBatchRecords, bytes: maxBatchBytes };
    const records = await readRecords(reader, positions, limits);
    for (const { topic, offset } of records) positions.set(topic, offset + 1);
    return { version, records };
  };
  let next = readNext();
  try {
    while (!stop.aborted) {
      const { version, records } = await next;
      if (isAborted(stop)) break;
      if (records.length === 0) await waitForChange(reader, version, stop);
      // The next batch is read while this one is applied: one more in memory, and neither waits for the other.
      next = readNext();
      next.catch(() => undefined); // it is awaited above, unless the handler fails first
      if (records.length > 0) await options.onBatch(records);
    }
  } finally {
    // Nobody may close the file under it. What it read is read again by whoever goes on.
    await next.catch(() => undefined);
  }
  if (!isAborted(signal)) throw new BusClosedError('The bus was closed while it was being consumed.');
}

/** Changes whenever another connection, of this process or another, has committed. */
async function dataVersion(reader: Knex): Promise<number | undefined> {
  const rows = await reader.raw<{ data_version: number }[]>('PRAGMA data_version');
  return rows[0]?.data_version;
}

async function waitForChange(reader: Knex, version: number | undefined, stop: AbortSignal): Promise<void> {
  do {
    await delay(POLL_INTERVAL_MS, undefined, { signal: stop }).catch(() => {
      // aborted: the loops above and below see it
    });
  } while (!stop.aborted && (await dataVersion(reader)) === version);
}

/** A call, so that the compiler does not take an earlier look for the present state. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
