/** Every type is put before Debezium, as a long value and left as it is: what is called carried is, what is refused is not. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { leftOutBy } from '@banyan/contracts';
import { isDeepStrictEqual } from 'node:util';
import { envelopeOf } from '../../../testing/beds/reader-test-bed.ts';
import { createDebeziumTestBed, type DebeziumTestBed } from '../../../testing/beds/debezium-test-bed.ts';

let dbz: DebeziumTestBed;
const TABLE = 'public.wide';
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

const long = (text: string): string => `repeat('${text}', 9000)`;
const many = (element: string): string => `(SELECT array_agg(${element}) FROM generate_series(1, 3000) i)`;
const manyOf = (literal: string, type: string): string => many(`${literal}::${type}`);
/** Type, and a value of it that is stored out of line where the type allows. */
const columns: readonly (readonly [string, string])[] = [
  ...['text', 'varchar', 'char(9000)', 'citext', 'longtext', 'public.elsewhere'].map(
    (type) => [type, long('x')] as const,
  ),
  ['bytea', `convert_to(${long('x')}, 'UTF8')`],
  ['json', `to_json(${long('x')})`],
  ['jsonb', `to_jsonb(${long('x')})`],
  ['xml', `('<a>' || ${long('x')} || '</a>')::xml`],
  ['numeric', `${long('7')}::numeric`],
  ['varbit', `${long('1')}::varbit`],
  ['tsvector', `(SELECT string_agg('w' || i, ' ') FROM generate_series(1, 3000) i)::tsvector`],
  ['ltree', `(SELECT string_agg('w' || i, '.') FROM generate_series(1, 3000) i)::ltree`],
  ['hstore', `hstore('a', ${long('x')})`],
  ['mood', `'a'`],
  ['int4range', `'[1,2)'`],
  ...['int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'numeric'].map(
    (type) => [`${type}[]`, manyOf('i', type)] as const,
  ),
  ['bool[]', many('i % 2 = 0')],
  ['text[]', many(`'t' || i`)],
  ['varchar[]', manyOf(`('t' || i)`, 'varchar')],
  ['char(3)[]', manyOf(`'ab'`, 'char(3)')],
  ['uuid[]', many('gen_random_uuid()')],
  ['json[]', manyOf(`'{}'`, 'json')],
  ['jsonb[]', manyOf(`'{}'`, 'jsonb')],
  ['bytea[]', manyOf(`'ab'`, 'bytea')],
  ['timestamp[]', manyOf(`'2020-01-01'`, 'timestamp')],
  ['timestamptz[]', manyOf(`'2020-01-01'`, 'timestamptz')],
  ['timetz[]', manyOf(`'01:02:03+01'`, 'timetz')],
  ['inet[]', manyOf(`'1.2.3.4'`, 'inet')],
  ['cidr[]', manyOf(`'1.2.3.0/24'`, 'cidr')],
  ['macaddr[]', manyOf(`'08:00:2b:01:02:03'`, 'macaddr')],
  ['mood[]', manyOf(`'a'`, 'mood')],
  ['int4range[]', manyOf(`'[1,2)'`, 'int4range')],
  ['intlist', manyOf('i', 'int4')],
  ['money[]', manyOf('1.5', 'money')],
  ['interval[]', manyOf(`'1 day'`, 'interval')],
  ['bit(3)[]', manyOf(`'101'`, 'bit(3)')],
  ['name[]', manyOf(`'ab'`, 'name')],
  ['name', `'ab'`],
  ['pair', `ROW('a', 1)::pair`],
  ['tsquery', `'a & b'`],
  ['box', `'(1,2),(3,4)'`],
  ['path', `'((1,2),(3,4))'`],
  ['polygon', `'((1,2),(3,4))'`],
  ['circle', `'<(1,2),3>'`],
  ['line', `'{1,2,3}'`],
  ['lseg', `'[(1,2),(3,4)]'`],
  ['pg_lsn', `'0/1'`],
  ['jsonpath', `'$.a'`],
  ['int4multirange', `'{[1,2)}'`],
  ['bit(3)', `'101'`],
  ['bit(1)', `'1'`],
  ['money', '1.5'],
  ['point', `'(1,2)'`],
  ['macaddr8', `'08:00:2b:01:02:03:04:05'`],
  ['interval', `'1 day'`],
  ['time', `'01:02:03'`],
  ['inet', `'1.2.3.4'`],
  ['uuid', 'gen_random_uuid()'],
];
const name = (index: number): string => `c${index}`;

beforeAll(async () => {
  dbz = await createDebeziumTestBed('uncarried');
  await dbz.bed.sql(`
    CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree;
    CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TYPE pair AS (a text, b int);
    CREATE DOMAIN longtext AS text; CREATE DOMAIN elsewhere AS longtext; CREATE DOMAIN intlist AS int4[];
    CREATE TABLE ${TABLE} (id int PRIMARY KEY, n int, ${columns.map(([type], i) => `${name(i)} ${type}`).join(', ')});
    CREATE TABLE public.odd (id int PRIMARY KEY, zone timetz, times time[], dates date[], grid int[][])`);
  await dbz.bed.sql(`DO $$ DECLARE c name; BEGIN
    FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = '${TABLE}'::regclass AND attstorage IN ('m', 'x') LOOP
      EXECUTE format('ALTER TABLE ${TABLE} ALTER COLUMN %I SET STORAGE EXTERNAL', c);
    END LOOP; END $$`);
  await dbz.source.ensureTables([TABLE], signal());
  await dbz.bed.sql(`INSERT INTO ${TABLE} SELECT 1, 0, ${columns.map(([, value]) => value).join(', ')}`);
  await dbz.bed.sql(`UPDATE ${TABLE} SET n = 1`);
  await dbz.caughtUp();
}, 180_000);
afterAll(async () => {
  await dbz.close();
});

test('a type is carried exactly if its values come, and if one that is left as it is can be told from NULL', async () => {
  const records = await dbz.records(TABLE);
  const [inserted, updated] = records.map((record) => envelopeOf(record)?.after ?? {});
  const isLeftOut = leftOutBy(records[1]?.headers ?? {});
  const [table] = await dbz.source.describeTables([TABLE], signal());
  const told = columns.map(([type], i) => {
    const [first, second] = [inserted?.[name(i)] ?? null, updated?.[name(i)] ?? null];
    return [type, first !== null && (isLeftOut(name(i), second) || isDeepStrictEqual(first, second))];
  });
  const called = columns.map(([type], i) => [type, table?.uncarried?.[name(i)] === undefined]);
  expect(called).toEqual(told);
});

test('types of which single values come wrong are refused too, with the reason', async () => {
  const [table] = await dbz.source.describeTables(['public.odd'], signal());
  expect(table?.uncarried).toEqual({
    zone: expect.stringContaining('+15:59'),
    times: expect.stringContaining('24:00'),
    dates: expect.stringContaining('before Christ'),
    grid: expect.stringContaining('dimensions'),
  });
});
