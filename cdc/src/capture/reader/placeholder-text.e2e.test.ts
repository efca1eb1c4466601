/** Text of the application that is the same as Debezium's placeholder is a text like any other, all the way to a copy. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { UNAVAILABLE_VALUE, type TableMapping } from '@banyan/contracts';
import { createFeedTestBed, type FeedTestBed } from '../../../testing/beds/feed-test-bed.ts';
import { createRowReread } from '../../verify/row-reread.ts';
import { decodeRecord } from '../../apply/decode.ts';
import { compileMapping } from '../../rows/mapping.ts';
import { eventually, PREFIX } from '../../../testing/beds/reader-test-bed.ts';

let bed: FeedTestBed;
const signal = AbortSignal.timeout(300_000);
const names = ['id', 'note', 'raw', 'tags', 'body'];
const mapping: TableMapping = {
  source: 'public.notes',
  target: 'notes',
  kind: 'owned',
  key: ['id'],
  columns: Object.fromEntries(names.map((name) => [name, name])),
};
const table = compileMapping(mapping);
const LONG = 'x'.repeat(9_000);
const odd = {
  note: UNAVAILABLE_VALUE,
  raw: Buffer.from(UNAVAILABLE_VALUE).toString('base64'),
  tags: [UNAVAILABLE_VALUE],
};

beforeAll(async () => {
  bed = await createFeedTestBed('placeholder_text');
  await bed.sql(`CREATE TABLE notes (id int PRIMARY KEY, note text, raw bytea, tags text[], body text);
    ALTER TABLE notes ALTER COLUMN body SET STORAGE EXTERNAL`);
  await insert(1);
  await bed.start();
  await bed.source.ensureTables(['public.notes'], signal);
});
afterAll(() => bed.close());

async function insert(id: number): Promise<void> {
  await bed.sql('INSERT INTO notes VALUES ($1, $2, convert_to($2, $3), ARRAY[$2], $4)', [
    ...[id, UNAVAILABLE_VALUE, 'UTF8', LONG],
  ]);
}

/** The row as the last record of its topic tells a copy. */
async function lastRow(): Promise<unknown> {
  await bed.caughtUp();
  const records = await bed.records('public.notes');
  const decoded = records.flatMap((record) => {
    const one = record.value === null ? null : decodeRecord(record, table);
    return one?.kind === 'change' && one.change.kind === 'upsert' ? [one.change.row] : [];
  });
  return decoded.at(-1);
}

test('by a table snapshot, an insert, updates with and without the long value, and read again', async () => {
  const whole = (id: number) => ({ id, ...odd, body: LONG });
  await bed.source.requestTableSnapshot(['public.notes'], signal);
  await eventually('the row is read', async () => (await lastRow()) !== undefined);
  expect(await lastRow()).toEqual(whole(1));
  await insert(2);
  expect(await lastRow()).toEqual(whole(2));
  await bed.sql('UPDATE notes SET note = note WHERE id = 2'); // the long value is read at the source
  expect(await lastRow()).toEqual(whole(2));
  await bed.sql('ALTER TABLE notes REPLICA IDENTITY FULL; UPDATE notes SET note = note WHERE id = 1');
  expect(await lastRow()).toEqual(whole(1));
  const reread = createRowReread({ source: bed.source, bus: bed.bus, prefix: PREFIX });
  await reread.readAgain('public.notes', [['2']], signal);
  expect(await lastRow()).toEqual(whole(2));
});

test('a value that is left out is still told from it', async () => {
  // The name belongs to another table when the reader looks for the value: nobody has it any more.
  await bed.sql(`ALTER TABLE notes REPLICA IDENTITY DEFAULT;
    BEGIN; UPDATE notes SET note = note WHERE id = 2; ALTER TABLE notes RENAME TO elsewhere;
    CREATE TABLE notes (id int PRIMARY KEY, body text); COMMIT`);
  expect(await lastRow()).toEqual({ id: 2, ...odd });
});
