/** The whole way under random writers: PostgreSQL, reader, bus, consumer, SQLite; compared at the end. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { controlRecordKey, defineSlice, tableTopic } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import { openSqliteFile } from '@banyan/kit/sqlite';
import fc from 'fast-check';
import type { Knex } from 'knex';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceLog } from '../../src/bus/bus.ts';
import { openSqliteBus } from '../../src/bus/sqlite/sqlite-bus.ts';
import { createSqliteApplyStore, startConsumer, type Consumer } from '../../src/apply/index.ts';
import {
  followTableSnapshots,
  type TableSnapshotFollower,
} from '../../src/capture/table-snapshot/table-snapshot-progress.ts';
import { programs, runPrograms, THING_SQL } from '../beds/random-writers.ts';
import { caughtUp, createTestBed, eventually, PREFIX, type TestBed } from '../beds/reader-test-bed.ts';
import { startReader, type Reader } from '../../src/capture/reader/reader.ts';

const TABLE = 'public.thing';
const topic = tableTopic(PREFIX, TABLE);
const slice = defineSlice({
  name: 'things',
  title: 'Things',
  routes: [{ path: '/things' }],
  tables: [
    {
      source: TABLE,
      target: 'thing',
      kind: 'owned',
      key: ['code', 'shop'],
      columns: { code: 'code', shop: 'shop', name: 'name', body: 'body' },
    },
  ],
});

let folder: string;
let bed: TestBed;
let bus: SourceLog;
let knex: Knex;
let reader: Reader;
let consumer: Consumer;
let follower: TableSnapshotFollower;
const stop = new AbortController();
const signal = AbortSignal.timeout(300_000);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-property-'));
  bed = await createTestBed('snapshot_property');
  await bed.sql(THING_SQL);
  bus = await openSqliteBus({ file: join(folder, 'bus.sqlite') });
  knex = await openSqliteFile({ file: join(folder, 'store.sqlite') });
  await knex.raw(
    'CREATE TABLE thing (code TEXT, shop INTEGER, name TEXT, body TEXT, PRIMARY KEY (code, shop))',
  );
  reader = await startReader({ ...bed.reader(bus), chunkRows: 5 });
  await bed.source.ensureTables([TABLE], signal);
  follower = await followTableSnapshots({ bus, prefix: PREFIX, signal: stop.signal });
  const store = createSqliteApplyStore({ knex });
  consumer = await startConsumer({
    slice,
    group: 'things',
    bus,
    store,
    prefix: PREFIX,
    logger: silentLogger,
  });
});
afterAll(async () => {
  await consumer.close();
  stop.abort();
  await follower.ended;
  await reader.close();
  await bus.close();
  await knex.destroy();
  await bed.close();
  await rm(folder, { recursive: true });
});

/** As control does it: the copy is emptied, then a table snapshot is asked for. */
async function newTableSnapshot(): Promise<string> {
  await bus.append([{ topic, key: controlRecordKey('reset'), headers: { id: 'again' }, value: null }]);
  return await bed.source.requestTableSnapshot([TABLE], signal);
}

async function completed(id: string): Promise<void> {
  await eventually('the table snapshot is completed', () => {
    const progress = follower.progress(TABLE);
    return progress?.id === id && progress.state === 'completed';
  });
}

async function applied(): Promise<void> {
  await caughtUp(bed);
  const [end] = await bus.ends([topic]);
  await eventually('everything is applied', () => {
    const report = consumer.report().tables[0];
    return report !== undefined && report.nextOffset >= (end?.nextOffset ?? 0) && report.quarantined === 0;
  });
}

const rowsOf = 'SELECT code, shop, name, body FROM thing ORDER BY code, shop';

test('a copy equals its table, whatever writers did while the table snapshot was taken', async () => {
  let commits = 0;
  await fc.assert(
    fc.asyncProperty(programs({ connections: 3, transactions: 40 }), async (writers) => {
      await bed.sql(
        `INSERT INTO thing SELECT 1 + n % 2, 'k' || lpad((n / 2)::text, 2, '0') || ' ü"''', 'old ' || n,
           repeat('old ', CASE WHEN n % 5 = 0 THEN 1000 ELSE 1 END) FROM generate_series(0, 79) n ON CONFLICT DO NOTHING`,
      );
      const first = await newTableSnapshot();
      const ended = new AbortController();
      const written = runPrograms(bed.url, writers).finally(() => ended.abort());
      await completed(first);
      // Several more while they write, the last one completed after they have ended.
      while (!ended.signal.aborted) await completed(await newTableSnapshot());
      commits += (await written).commits;
      await applied();
      expect(await knex.raw(rowsOf)).toEqual(await bed.sql(rowsOf));
    }),
    // Concurrent writers do not run twice alike: to shrink a failure would say nothing.
    { numRuns: 12, endOnFailure: true },
  );
  expect(commits).toBeGreaterThan(150);
}, 180_000);
