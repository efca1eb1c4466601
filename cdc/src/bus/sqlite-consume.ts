import type { Knex } from 'knex';
import { setTimeout as delay } from 'node:timers/promises';
import { BusClosedError, DEFAULT_BATCH_BYTES, type ConsumeOptions } from './bus.ts';
import { readRecords } from './sqlite-records.ts';

/** How often a consumer with nothing to do looks whether another process has written. */
const POLL_INTERVAL_MS = 10;

/** Hands records over until a signal aborts, waiting for more when there are none. */
export async function consumeRecords(
  options: ConsumeOptions & { readonly reader: Knex; readonly closing: AbortSignal },
): Promise<void> {
  const { from, maxBatchRecords = 500, maxBatchBytes = DEFAULT_BATCH_BYTES, signal } = options;
  const { reader, closing } = options;
  const positions = new Map(from.map(({ topic, nextOffset }) => [topic, nextOffset]));
  const stop = AbortSignal.any([signal, closing]);
  while (!stop.aborted) {
    // 1. the version, 2. the read: what is written between the two is found at the next turn.
    const version = await dataVersion(reader);
    const records = await readRecords(reader, positions, { records: maxBatchRecords, bytes: maxBatchBytes });
    if (records.length === 0) {
      await waitForChange(reader, version, stop);
      continue;
    }
    if (isAborted(stop)) break;
    await options.onBatch(records);
    for (const { topic, offset } of records) positions.set(topic, offset + 1);
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
