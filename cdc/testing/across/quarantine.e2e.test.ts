import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { defineSlice, tableTopic } from '@banyan/contracts';
import { silentLogger } from '@banyan/kit';
import type { Knex } from 'knex';
import type { SourceLog } from '../../src/bus/bus.ts';
import { createMemoryBus } from '../beds/memory-bus.ts';
import { caughtUp, createTestBed, eventually, PREFIX, type TestBed } from '../beds/reader-test-bed.ts';
import { startReader, type Reader } from '../../src/capture/reader/reader.ts';
import { createRowReread } from '../../src/verify/row-reread.ts';
import { startConsumer, type Consumer } from '../../src/apply/consumer.ts';
import { createPostgresApplyStore } from '../../src/apply/stores/postgres/postgres-apply-store.ts';
import { openPostgresStore } from '../beds/postgres-test-bed.ts';

const TABLE = 'public.part';
const slice = defineSlice({
  name: 'parts',
  title: 'Parts',
  routes: [{ path: '/parts' }],
  tables: [
    {
      source: TABLE,
      target: 'piece',
      kind: 'owned',
      key: ['box', 'day'],
      personal: ['maker'],
      columns: { day: 'made_on', box: 'box', amount: 'amount', maker: 'maker', note: 'remark' },
    },
  ],
});

let bed: TestBed;
let bus: SourceLog;
let reader: Reader;
let consumer: Consumer;
let knex: Knex;
const signal = AbortSignal.timeout(300_000);

// The service's store is beside the shop's tables here, in the same database; nothing joins them.
beforeAll(async () => {
  bed = await createTestBed('quarantine');
  await bed.sql(`
    CREATE TABLE part (box varchar(8), day date, amount numeric(9, 2), maker text, note text, PRIMARY KEY (box, day));
    ALTER TABLE part ALTER note SET STORAGE EXTERNAL;
    CREATE TABLE piece (made_on date, box text, amount numeric(9, 2) CHECK (amount >= 0), maker text NOT NULL,
      remark text, PRIMARY KEY (made_on, box))`);
  bus = createMemoryBus();
  reader = await startReader(bed.reader(bus));
  await bed.source.ensureTables([TABLE], signal);
  knex = openPostgresStore(bed.url);
  consumer = await startConsumer({
    slice,
    group: 'parts',
    bus,
    prefix: PREFIX,
    logger: silentLogger,
    store: createPostgresApplyStore({ knex }),
  });
});
afterAll(async () => {
  await consumer.close();
  await reader.close();
  await bus.close();
  await knex.destroy();
  await bed.close();
});

/** Waits until the service has gone through everything that was written so far. */
async function applied(): Promise<void> {
  await caughtUp(bed);
  const [end] = await bus.ends([tableTopic(PREFIX, TABLE)]);
  await eventually(
    'the service gets there',
    () => consumer.report().tables[0]?.nextOffset === end?.nextOffset,
  );
}

const difference = () =>
  bed.sql(`
    SELECT box, day::text, amount::text, maker, note FROM part
    EXCEPT SELECT box, made_on::text, amount::text, maker, remark FROM piece`);
const held = async () =>
  (await consumer.quarantine.list(10)).queues.map(({ key, waiting }) => [key?.join(), waiting]);

test('rows that the service refuses are held, and applied by a retry once its schema is mended', async () => {
  await bed.sql(
    `INSERT INTO part VALUES ('a', '2026-01-02', 1.50, 'Ada', repeat('x', 9000)), ('b', '2026-01-02', -1, 'Bea', 'n')`,
  );
  await bed.sql(`UPDATE part SET amount = -2 WHERE box = 'a'`);
  await applied();
  await bed.sql(`UPDATE part SET maker = 'Eve' WHERE box = 'a'`);
  await bed.sql(`INSERT INTO part VALUES ('c', '2026-01-03', 3, 'Cyd', null)`);
  await applied();
  expect(await held()).toEqual(expect.arrayContaining([['b,20455', 0]]));
  expect(await difference()).toHaveLength(2);
  expect(JSON.stringify(await consumer.quarantine.list(10))).not.toMatch(/Ada|Bea|Eve/);

  expect(await consumer.quarantine.retry({ queue: null, dryRun: true })).toMatchObject({
    applied: 0,
    refused: 2,
  });
  await bed.sql('ALTER TABLE piece DROP CONSTRAINT piece_amount_check');
  expect(await consumer.quarantine.retry({ queue: null, dryRun: false })).toMatchObject({
    applied: 2,
    refused: 0,
  });
  expect(await held()).toEqual([]);
  expect(await difference()).toEqual([]);
});

test('a row mended at the source is let go by reading it again, one that was deleted by its delete', async () => {
  await bed.sql(
    `INSERT INTO part VALUES ('d', '2026-01-04', 4, null, 'n'), ('e', '2026-01-04', 5, null, 'n')`,
  );
  await applied();
  await bed.sql(`UPDATE part SET maker = 'Dan' WHERE box = 'd'`);
  await bed.sql(`DELETE FROM part WHERE box = 'e'`);
  await applied();
  expect(await held()).toEqual([['d,20457', 1]]);
  expect(consumer.report().tables[0]).toMatchObject({ quarantined: 2 });

  const reread = createRowReread({ source: bed.source, bus, prefix: PREFIX });
  expect(consumer.quarantine.heldOf({ table: TABLE, key: ['d', '20457'] })).toEqual({ records: 2 });
  // A day as the service names it: days since 1970.
  expect(await reread.readHeld(TABLE, [['d', '20457']], signal)).toBeNull();
  await eventually('nothing is held', () => consumer.report().tables[0]?.quarantined === 0);
  expect(await difference()).toEqual([]);
  expect(await bed.sql(`SELECT maker FROM piece WHERE box IN ('d', 'e')`)).toEqual([{ maker: 'Dan' }]);
  await bed.sql(`UPDATE part SET maker = 'Don' WHERE box = 'd'`);
  await applied();
  expect(await difference()).toEqual([]);
});
