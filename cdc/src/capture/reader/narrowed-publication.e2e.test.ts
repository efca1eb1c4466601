/** Somebody narrows the publication and puts it right again, both between two looks: rows are missing, and it shows. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { defineSlice } from '@banyan/contracts';
import { createMemoryBus } from '../../../testing/beds/memory-bus.ts';
import { createCaughtUp } from '../../verify/caught-up.ts';
import { markOf } from '../../verify/stored-on-bus.ts';
import { carriedTables } from '../feed/carried-tables.ts';
import type { ServiceCopy } from '../../verify/service-client/copy.ts';
import { caughtUp, createTestBed, replay, type TestBed } from '../../../testing/beds/reader-test-bed.ts';
import { startReader, type Reader } from './reader.ts';

let bed: TestBed;
let reader: Reader;
const bus = createMemoryBus();
const signal = AbortSignal.timeout(300_000);
const slice = defineSlice({
  name: 'notes',
  title: 'Notes',
  routes: [{ path: '/notes', methods: ['GET'] }],
  tables: [
    { source: 'public.notes', target: 'note', kind: 'owned', key: ['id'], columns: { id: 'id', n: 'n' } },
  ],
});
const tables = carriedTables([slice]);
/** A service that has applied whatever it is asked about. */
const copy = {
  metTopics: () => Promise.resolve(['shop.public.notes']),
  sync: () => Promise.resolve({ tables: [] }),
} as unknown as ServiceCopy;

beforeAll(async () => {
  bed = await createTestBed('narrowed');
  await bed.sql(
    'CREATE TABLE notes (id int PRIMARY KEY, n int); INSERT INTO notes SELECT n, 0 FROM generate_series(1, 20) n',
  );
  // One look, at the start, and none after it.
  reader = await startReader({ ...bed.reader(bus), heartbeatIntervalMs: 600_000 });
  await bed.source.ensureTables(tables, signal);
});
afterAll(async () => {
  await reader.close();
  await bed.close();
});

test.each([
  [`SET (publish = 'insert')`, `SET (publish = 'insert, update, delete, truncate')`],
  ['SET TABLE banyan.signal, ONLY notes WHERE (id > 15)', 'SET TABLE banyan.signal, ONLY notes'],
  ['DROP TABLE ONLY notes', 'ADD TABLE ONLY notes'],
])('%s, and back', async (narrow, restore) => {
  const feed = { log: bus, slot: bed.slot };
  const waiting = createCaughtUp({ source: bed.source, bus, prefix: 'shop', feed });
  const mark = await markOf({ source: bed.source, feed, tables, signal });
  const wait = () => waiting.wait({ slice, copy, markOf: () => Promise.resolve(mark), signal });
  await wait(); // whole so far
  const [value] = await bed.sql('UPDATE notes SET n = n + 1 WHERE id = 16 RETURNING n');
  await bed.sql(`ALTER PUBLICATION ${bed.publication} ${narrow}`);
  await bed.sql('UPDATE notes SET n = -n - 100 WHERE id <= 15');
  await bed.sql(`ALTER PUBLICATION ${bed.publication} ${restore}`);
  await bed.sql('UPDATE notes SET n = n + 1 WHERE id = 16');
  await caughtUp(bed);
  const told = await replay(bus, 'public.notes');
  expect(told.get('{"id":16}')).toMatchObject({ n: Number(value?.['n']) + 1 });
  expect([...told.values()]).not.toContainEqual(expect.objectContaining({ id: 1 })); // silently wrong
  await expect(wait()).rejects.toMatchObject({ code: 'feed-began-anew' });
});
