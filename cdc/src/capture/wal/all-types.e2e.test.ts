import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseExactJson, stringifyExactJson, type Row } from '@banyan/contracts';
import { createFeedTestBed, type FeedTestBed } from '../../../testing/beds/feed-test-bed.ts';
import { envelopeTypeCases, envelopeTypeSetup } from '../../../testing/conformance/envelope-type-cases.ts';
import { envelopeOf } from '../../../testing/beds/reader-test-bed.ts';

let bed: FeedTestBed;
const signal = AbortSignal.timeout(300_000);
const cases = Object.values(envelopeTypeCases)
  .flat()
  .map((one, n) => ({ ...one, column: `c${n}` }));
const rows: Record<
  'read' | 'streamed' | 'updated' | 'old' | 'asked' | 'defaults' | 'nulls' | 'nullsRead',
  Row
> = {
  read: {},
  streamed: {},
  updated: {},
  old: {},
  asked: {},
  defaults: {},
  nulls: {},
  nullsRead: {},
};

beforeAll(async () => {
  bed = await createFeedTestBed('all_types');
  // The database's own settings would print other texts: ours must not depend on them.
  await bed.sql(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Kolkata''', current_database());
       EXECUTE format('ALTER DATABASE %I SET datestyle = ''German''', current_database());
       EXECUTE format('ALTER DATABASE %I SET intervalstyle = ''sql_standard''', current_database());
       EXECUTE format('ALTER DATABASE %I SET bytea_output = ''escape''', current_database());
       EXECUTE format('ALTER DATABASE %I SET extra_float_digits = 0', current_database()); END $$`,
  );
  await bed.sql(envelopeTypeSetup);
  const columns = cases.map(({ column, type, sql }) => `${column} ${type} DEFAULT ${sql}`).join(', ');
  const names = cases.map(({ column }) => column).join(', ');
  const nulls = cases.map(() => 'NULL').join(', ');
  await bed.sql(
    `CREATE TABLE types (id int PRIMARY KEY, ${columns}); ALTER TABLE types REPLICA IDENTITY FULL`,
  );
  await bed.sql(`INSERT INTO types VALUES (1); INSERT INTO types (id, ${names}) VALUES (2, ${nulls})`);
  await bed.start();
  await bed.source.ensureTables(['public.types'], signal);
  await bed.snapshot(['public.types']);
  const values = cases.map(({ sql }) => sql).join(', ');
  await bed.sql(`INSERT INTO types (id, ${names}) VALUES (3, ${values})`);
  await bed.sql('INSERT INTO types VALUES (4)');
  await bed.sql(`INSERT INTO types (id, ${names}) VALUES (5, ${nulls})`);
  await bed.sql('UPDATE types SET id = 6 WHERE id = 3');
  await bed.caughtUp();
  const found = (await bed.records('public.types')).map(envelopeOf);
  const after = (op: string, id: number): Row => {
    const envelope = found.find((one) => one?.op === op && (one.after ?? one.before)?.['id'] === id);
    return envelope?.after ?? envelope?.before ?? {};
  };
  Object.assign(rows, {
    read: after('r', 1),
    nullsRead: after('r', 2),
    streamed: after('c', 3),
    defaults: after('c', 4),
    nulls: after('c', 5),
    old: after('d', 3),
    updated: after('c', 6),
  });
  const { rows: page } = await bed.source.readPage(
    {
      table: 'public.types',
      columns: Object.keys(rows.read),
      key: ['id'],
      afterKey: null,
      toKey: null,
      limit: 1,
    },
    signal,
  );
  rows.asked = page[0] ?? {};
});
afterAll(() => bed.close());

test.each(cases)('$type $sql', ({ column, value }) => {
  const same = ['streamed', 'read', 'asked', 'updated', 'old', 'defaults'] as const;
  const held = Object.fromEntries(same.map((how) => [how, rows[how][column]]));
  expect(held).toEqual(Object.fromEntries(same.map((how) => [how, value])));
  expect([rows.nulls[column], rows.nullsRead[column]]).toEqual([null, null]);
  expect(parseExactJson(stringifyExactJson(value))).toEqual(value);
});

test('rows hold the columns, in their order, and nothing else', () => {
  const columns = ['id', ...cases.map(({ column }) => column)];
  for (const row of Object.values(rows)) expect(Object.keys(row)).toEqual(columns);
});
