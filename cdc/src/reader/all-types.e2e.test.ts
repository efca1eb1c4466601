import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tableTopic, type Row } from '@banyan/contracts';
import { createMemoryBus } from '../bus/memory-bus.ts';
import {
  caughtUp,
  createTestBed,
  envelopeOf,
  eventually,
  PREFIX,
  readTopic,
  type TestBed,
} from './reader-test-bed.ts';
import { startReader, type Reader } from './reader.ts';

let bed: TestBed;
let reader: Reader;
const bus = createMemoryBus();
const signal = AbortSignal.timeout(60_000);

/** Column type, SQL value, what the envelope holds. */
const values: readonly (readonly [string, string, unknown])[] = [
  ['smallint', '-7', -7],
  ['integer', '2147483647', 2147483647],
  ['bigint', '9007199254740993', 9007199254740993n],
  ['bigint', '42', 42],
  ['boolean', 'true', true],
  ['boolean', 'false', false],
  ['text', `'ü, "q", \\, 日本'`, 'ü, "q", \\, 日本'],
  ['varchar(10)', `'abc'`, 'abc'],
  ['char(5)', `'ab'`, 'ab   '],
  ['numeric', '12345678901234567890.0100', '12345678901234567890.0100'],
  ['numeric(10,2)', '1.5', '1.50'],
  ['real', '0.1', 0.1],
  ['double precision', '0.1::float8 + 0.2', 0.30000000000000004],
  ['double precision', `'NaN'`, 'NaN'],
  ['timestamptz', `'2026-01-02 05:04:05.678901+02'`, '2026-01-02T03:04:05.678901Z'],
  ['timestamp', `'2026-01-02 03:04:05.123456'`, 1767323045123456],
  ['date', `'2026-01-02'`, 20455],
  ['time', `'03:04:05.000001'`, 11045000001],
  ['timetz', `'03:04:05+02'`, '01:04:05.000000Z'],
  ['interval', `'1 year 2 mons 3 days 04:05:06.5'`, 'P1Y2M3DT4H5M6.5S'],
  ['json', `'{"a":  1}'`, '{"a":  1}'],
  ['jsonb', `'{"a":  1}'`, '{"a": 1}'],
  ['uuid', `'3F0C2A4E-0000-4000-8000-000000000001'`, '3f0c2a4e-0000-4000-8000-000000000001'],
  ['bytea', `'\\x00ff10'`, 'AP8Q'],
  ['inet', `'10.0.0.1'`, '10.0.0.1'],
  ['mood', `'happy'`, 'happy'],
  ['price', '9.90', '9.90'],
  ['whole', '5', 5],
  ['mood[]', `'{happy,NULL}'`, ['happy', null]],
  ['whole[]', `'{1,2}'`, [1, 2]],
  [
    'int[]',
    `'{{1,2},{3,NULL}}'`,
    [
      [1, 2],
      [3, null],
    ],
  ],
  ['bigint[]', `'{9007199254740993}'`, [9007199254740993n]],
  ['text[]', `ARRAY['a,b', 'NULL', NULL, '']`, ['a,b', 'NULL', null, '']],
  ['numeric[]', `'{1.10}'`, ['1.10']],
  ['boolean[]', `'{t,f}'`, [true, false]],
  ['timestamptz[]', `'{2026-01-02 03:04:05+00}'`, ['2026-01-02T03:04:05.000000Z']],
  ['date[]', `'{1970-01-02}'`, [1]],
  ['bytea[]', `ARRAY['\\x00ff'::bytea]`, ['AP8=']],
  ['text', 'NULL', null],
  ['int[]', 'NULL', null],
];

beforeAll(async () => {
  bed = await createTestBed('all_types');
  // The database's own settings would print other texts: ours must not depend on them.
  await bed.sql(
    `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''Asia/Kolkata''', current_database());
       EXECUTE format('ALTER DATABASE %I SET datestyle = ''German''', current_database());
       EXECUTE format('ALTER DATABASE %I SET bytea_output = ''escape''', current_database());
       EXECUTE format('ALTER DATABASE %I SET extra_float_digits = 0', current_database()); END $$`,
  );
  await bed.sql(`
    CREATE TYPE mood AS ENUM ('happy', 'sad');
    CREATE DOMAIN price AS numeric(8,2);
    CREATE DOMAIN positive AS int CHECK (value > 0);
    CREATE DOMAIN whole AS positive;
    CREATE TABLE types (id int PRIMARY KEY, ${values.map(([type], n) => `c${n} ${type}`).join(', ')})`);
  const row = values.map(([, sql]) => sql).join(', ');
  await bed.sql(`INSERT INTO types VALUES (1, ${row})`);
  reader = await startReader(bed.reader(bus));
  await bed.source.ensureTables(['public.types'], signal);
  await bed.source.requestTableSnapshot(['public.types'], signal);
  const topic = tableTopic(PREFIX, 'public.types');
  await eventually('the row is read', async () => (await readTopic(bus, topic)).length === 1);
  await bed.sql(`INSERT INTO types VALUES (2, ${row})`);
  await caughtUp(bed);
});
afterAll(async () => {
  await reader.close();
  await bed.close();
});

test('each type comes as it should, the same when read, when streamed, and when asked for', async () => {
  const records = await readTopic(bus, tableTopic(PREFIX, 'public.types'));
  const [read, streamed] = records.map((record) => envelopeOf(record)?.after);
  const expected: Row = Object.fromEntries(values.map(([, , value], n) => [`c${n}`, value])) as Row;
  expect(streamed).toEqual({ id: 2, ...expected });
  expect(read).toEqual({ id: 1, ...expected });
  const columns = ['id', ...Object.keys(expected)];
  const asked = await bed.source.readRows(
    { table: 'public.types', columns, key: ['id'], afterKey: null, toKey: null, limit: 1 },
    signal,
  );
  expect(asked).toEqual([{ id: 1, ...expected }]);
});
