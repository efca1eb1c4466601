import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import { createTestBed, eventually, type TestBed } from '../../../testing/beds/reader-test-bed.ts';
import { startReader, type Reader } from '../reader/reader.ts';
import { readMessageContent, writeMessage } from './logical-message.ts';
import { parseLsn } from '../../rows/lsn.ts';
import { SourceDatabase } from '../postgres/source-database.ts';

/** Says that it is PostgreSQL 16, where messages cannot be flushed by an argument. */
class OlderDatabase extends SourceDatabase {
  override versionNumber(): Promise<number> {
    return Promise.resolve(160_004);
  }
}

let bed: TestBed;
let reader: Reader;
beforeAll(async () => {
  bed = await createTestBed('logical_message');
  reader = await startReader({ ...bed.reader(createMemoryBus()), heartbeatIntervalMs: 60_000 });
});
afterAll(async () => {
  await reader.close();
  await bed.close();
});

test.each([
  ['17 and newer', SourceDatabase],
  ['older ones', OlderDatabase],
])(
  'the position of a message is flushed and reached on an idle database, in PostgreSQL %s',
  async (_, make) => {
    const database = new make({ url: bed.url, name: 'test' });
    const signal = AbortSignal.timeout(10_000);
    const { lsn } = await writeMessage(database, null, signal);
    const [row] = await bed.sql('SELECT pg_current_wal_flush_lsn() >= $1::pg_lsn AS flushed', [lsn]);
    expect(row).toEqual({ flushed: true });
    await eventually('it is stored', () => parseLsn(reader.status().storedLsn ?? '0/0') >= parseLsn(lsn));
    await database.close();
  },
);

test.each([
  ['another', '{"heartbeat":1}'],
  ['banyan', ''],
  ['banyan', 'not JSON'],
  ['banyan', '{"heartbeat":"now"}'],
  ['banyan', '[]'],
])('a message with prefix %j and content %j says nothing to us', (prefix, text) => {
  expect(readMessageContent(prefix, text)).toBeNull();
});
