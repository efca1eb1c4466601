import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { controlRecordKey, tableTopic } from '@banyan/contracts';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import pg from 'pg';
import type { StoredRecord } from '../bus/bus.ts';
import { envelopeOf, eventually, PREFIX, readTopic } from '../../testing/beds/reader-test-bed.ts';
import { createPartsBed, TABLE, type PartsBed } from '../../testing/beds/row-reread-test-bed.ts';
import { createRowReread, type RowReread } from './row-reread.ts';

const signal = AbortSignal.timeout(300_000);
const first = ['1', 'a'];
let bed: PartsBed;
let sql: PartsBed['source']['sql'];

beforeAll(async () => {
  bed = await createPartsBed('row_reread');
  sql = (text) => bed.source.sql(text);
});
afterAll(() => bed.close());
beforeEach(async () => {
  await sql('TRUNCATE part');
  await bed.caughtUp();
});

/** Reads rows again, with something done between two of its steps. */
function rereadWith(between: {
  readonly opened?: () => Promise<unknown>;
  readonly read?: () => Promise<unknown>;
}): RowReread {
  const { source } = bed.source;
  let reads = 0;
  const watched: Parameters<typeof createRowReread>[0]['source'] = {
    describeTables: (tables, stop) => source.describeTables(tables, stop),
    async readRows(...question) {
      const rows = await source.readRows(...question);
      reads += 1;
      if (reads % 2 === 0) await between.read?.();
      return rows;
    },
    takePosition: (stop) => source.takePosition(stop),
    slotStatus: (stop) => source.slotStatus(stop),
    feedMembership: (tables, stop) => source.feedMembership(tables, stop),
  };
  return createRowReread({
    source: watched,
    bus: {
      async append(records, stop) {
        await bed.bus.append(records, stop);
        if (records[0]?.value === null) await between.opened?.();
      },
    },
    prefix: PREFIX,
    feed: { log: bed.bus, slot: bed.source.slot },
  });
}

async function readAgain(keys: readonly (readonly string[])[], between = {}): Promise<void> {
  await rereadWith(between).readAgain(TABLE, keys, signal);
}

/** Records of row re-reads from an offset on. */
async function rereadsFrom(offset: number): Promise<readonly StoredRecord[]> {
  const records = await readTopic(bed.bus, tableTopic(PREFIX, TABLE));
  return records.filter((record) => record.offset >= offset && record.key === controlRecordKey('reread'));
}

async function end(): Promise<number> {
  return (await bed.bus.ends([tableTopic(PREFIX, TABLE)]))[0]?.nextOffset ?? 0;
}

/** Operation, key and body of a record; `open` without a value. */
function told(record: StoredRecord): unknown[] {
  const envelope = envelopeOf(record);
  return [envelope?.op ?? 'open', record.headers['key'], envelope?.after?.['body'] ?? null];
}

async function expectEqual(): Promise<void> {
  await bed.caughtUp();
  const { source, copy } = await bed.rows();
  expect(copy).toEqual(source);
  expect(bed.consumer().report()).toMatchObject({ state: 'running', tables: [{ quarantined: 0 }] });
}

/** Makes the copy wrong behind the consumer's back. */
async function plant(): Promise<void> {
  await bed.caughtUp();
  await bed.copy.raw(`UPDATE part SET body = 'wrong'`);
}

test('a row that is there comes as a read, one that is not as a delete, after all were opened', async () => {
  await sql(`INSERT INTO part VALUES ('a', 1, 'one'), ('b', 2, repeat('x', 20000))`);
  await bed.caughtUp();
  const from = await end();
  await readAgain([first, ['7', 'a'], ['2.00', 'b'], ['2', 'b']]);
  const records = await rereadsFrom(from);
  // A key is told as the stream tells it, also of a row that is not there.
  expect(records.map(told)).toEqual([
    ...['{"n":"1.00","box":"a"}', '{"n":"7.00","box":"a"}', '{"n":"2.00","box":"b"}'].map((key) => [
      ...['open', key, null],
    ]),
    ['r', '{"n":"1.00","box":"a"}', 'one'],
    ['d', '{"n":"7.00","box":"a"}', null],
    ['r', '{"n":"2.00","box":"b"}', 'x'.repeat(20_000)],
  ]);
  expect(new Set(records.map(({ headers }) => headers['id'])).size).toBe(1);
});

test('what is wrong with a copy is mended: changed, missing and superfluous rows', async () => {
  await sql(`INSERT INTO part VALUES ('a', 1, 'one'), ('a', 2, 'two')`);
  await plant();
  await bed.copy.raw(`DELETE FROM part WHERE n = '2.00'`);
  await bed.copy.raw(`INSERT INTO part VALUES ('a', '3.00', 'too many')`);
  await readAgain([first, ['2', 'a'], ['3', 'a']]);
  await expectEqual();
});

test('a key that is longer than its column is a row that is not there, not another row', async () => {
  await sql(`INSERT INTO part VALUES ('12345678', 1, 'another')`);
  const from = await end();
  await readAgain([['1', '123456789']]);
  expect((await rereadsFrom(from)).map(told)).toEqual([
    ['open', '{"n":"1.00","box":"123456789"}', null],
    ['d', '{"n":"1.00","box":"123456789"}', null],
  ]);
  await expectEqual();
});

test.each([
  ['a table that is not there', 'public.none', [['1']], /public\.none: there is no such table/],
  ['no table at all', 'part', [['1']], /no such table/],
  ['a table without a key', 'public.loose', [['1']], /no primary key/],
  ['a table outside the feed', 'public.apart', [['1']], /not in the feed/],
  ['a key of other columns', TABLE, [['1', 'a'], ['2']], /2 values \(n, box\), got \["2"\]/],
  ['a value of another type', TABLE, [['one', 'a']], /invalid input syntax for type numeric/],
])('%s is refused with its reason, before anything is on the bus', async (_what, table, keys, reason) => {
  const from = await end();
  const reread = rereadWith({});
  await expect(reread.readAgain(table, keys, signal)).rejects.toMatchObject({
    name: 'RowsUnreadableError',
    message: expect.stringMatching(reason),
  });
  expect(await end()).toBe(from);
});

test('thousands of keys come in pieces, each key once', async () => {
  await sql(`INSERT INTO part SELECT 'a', n, 'body ' || n FROM generate_series(1, 1100) n`);
  await plant();
  const from = await end();
  await readAgain(Array.from({ length: 1_300 }, (_, n) => [`${n + 1}`, 'a']));
  const records = await rereadsFrom(from);
  const ops = records.map((record) => told(record)[0]);
  expect(['open', 'r', 'd'].map((op) => ops.filter((each) => each === op).length)).toEqual([
    1_300, 1_100, 200,
  ]);
  expect(new Set(records.map(({ headers }) => headers['key'])).size).toBe(1_300);
  await expectEqual();
});

describe('a row that is changed meanwhile is what the stream says, not what was read', () => {
  const changes = [
    ['changed', `UPDATE part SET body = 'new' WHERE n = 1`],
    ['deleted', `DELETE FROM part WHERE n = 1`],
    ['deleted and made again', `DELETE FROM part WHERE n = 1; INSERT INTO part VALUES ('a', 1, 'again')`],
    ['given another key', `UPDATE part SET n = 9 WHERE n = 1`],
    ['emptied with its table', 'TRUNCATE part'],
  ] as const;
  const moments = ['opened', 'read'] as const;

  test.each(moments.flatMap((moment) => changes.map(([what, change]) => [what, moment, change] as const)))(
    '%s, after it was %s',
    async (_what, moment, change) => {
      await sql(`INSERT INTO part VALUES ('a', 1, 'old'), ('a', 2, 'still')`);
      await plant();
      await readAgain([first, ['2', 'a']], { [moment]: () => sql(change) });
      await expectEqual();
    },
  );

  test('made, after it was found to be absent', async () => {
    await readAgain([first], { read: () => sql(`INSERT INTO part VALUES ('a', 1, 'new')`) });
    await expectEqual();
  });
});

test('a row that is never at rest is right at the end, however often it is read again', async () => {
  await sql(`INSERT INTO part VALUES ('a', 1, '0')`);
  const stopped = new AbortController();
  const writer = (async () => {
    for (let n = 1; !stopped.signal.aborted; n += 1) {
      await sql(`INSERT INTO part VALUES ('a', 1, '${n}') ON CONFLICT (n, box) DO UPDATE SET body = '${n}'`);
      if (n % 5 === 0) await sql('DELETE FROM part');
    }
  })();
  for (let round = 0; round < 10; round += 1) await readAgain([first]);
  stopped.abort();
  await writer;
  await expectEqual();
});

test('while nobody reads the log nothing is told of a row, and what was begun does no harm', async () => {
  await sql(`INSERT INTO part VALUES ('a', 1, 'old')`);
  await plant();
  await bed.stopReader();
  const from = await end();
  await expect(
    rereadWith({ read: () => sql(`UPDATE part SET body = 'new'`) }).readAgain(
      ...[TABLE, [first], AbortSignal.timeout(1_500)],
    ),
  ).rejects.toMatchObject({ code: 'not-caught-up' });
  expect((await rereadsFrom(from)).map((record) => told(record)[0])).toEqual(['open']);
  await bed.startReader();
  await expectEqual();
});

describe('whoever reads again, killed with SIGKILL', () => {
  const program = join(import.meta.dirname, '../../testing/processes/reread-until-killed.ts');

  async function killAt(step: string): Promise<void> {
    const { url, slot, publication } = bed.source;
    const child = fork(program, [url, slot, publication, bed.busFile, step], { execArgv: [] });
    const [reached] = (await once(child, 'message')) as [string];
    expect(reached).toBe(step);
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  test.each(['named', 'opened', 'read', 'position', 'closed'])(
    'once it has %s, leaves a copy that goes on, and the next one mends it',
    async (step) => {
      await sql(`INSERT INTO part VALUES ('a', 1, 'old'), ('a', 2, 'still')`);
      await plant();
      await killAt(step);
      await sql(`UPDATE part SET body = 'new' WHERE n = 1`);
      await bed.caughtUp();
      expect((await bed.rows()).copy).toMatchObject([
        { n: '1.00', body: 'new' },
        // Only a row that has come counts.
        { n: '2.00', body: step === 'closed' ? 'still' : 'wrong' },
      ]);
      await readAgain([first, ['2', 'a']]);
      await expectEqual();
    },
  );
});

test('a transaction that has written to the table is waited for, and one that does not end is told', async () => {
  await sql(`INSERT INTO part VALUES ('a', 1, 'old'), ('a', 2, 'still')`);
  await bed.caughtUp();
  const other = new pg.Client(bed.source.url);
  await other.connect();
  await other.query(`BEGIN; UPDATE part SET body = 'late' WHERE n = 2`);
  let isDone = false;
  const read = readAgain([first]).then(() => (isDone = true));
  await eventually('it waits', async () => {
    const asked = await sql(
      `SELECT 1 FROM pg_stat_activity
       WHERE query LIKE 'SELECT DISTINCT virtualtransaction%ANY%' AND datname = current_database()`,
    );
    return asked.length > 0;
  });
  expect(isDone).toBe(false);
  await other.query('COMMIT');
  await read;
  await expectEqual();
  await other.query('BEGIN; DELETE FROM part WHERE n = 2');
  await expect(readAgain([first])).rejects.toMatchObject({ code: 'table-busy' });
  await other.query('ROLLBACK');
  await other.end();
});
