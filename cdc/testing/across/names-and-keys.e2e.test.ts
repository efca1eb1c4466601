/** Names of every kind, keys of every type, replica identities, changed keys, TRUNCATE: one database, one reader. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createFeedTestBed, type FeedTestBed } from '../beds/feed-test-bed.ts';
import type { StoredRecord } from '../../src/bus/bus.ts';
import { compileMapping } from '../../src/rows/mapping.ts';
import { decodeRecord } from '../../src/apply/decode.ts';
import { quoteName, quoteTable } from '../../src/rows/table-name.ts';
import { envelopeOf } from '../beds/reader-test-bed.ts';

let bed: FeedTestBed;
const signal = AbortSignal.timeout(300_000);

/** Key types, and values in the order in which the index has them. */
const keyTypes: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'text COLLATE "C"': [`'a'`, `'b'`, `'ä'`, `'日本'`],
  'text COLLATE "und-x-icu"': [`'a'`, `'B'`, `'ä'`, `'z'`],
  'text COLLATE insensitive': [`'a'`, `'B'`, `'c'`],
  citext: [`'Ab'`, `'b'`, `'C'`],
  uuid: [`'00000000-0000-0000-0000-00000000000a'`, `'ffffffff-0000-0000-0000-000000000000'`],
  numeric: ['-1.50', '0', '1e20', `'NaN'`],
  bigint: ['-9223372036854775808', '9007199254740993'],
  timestamptz: [`'-infinity'`, `'2026-01-02 03:04:05.000001+05'`, `'infinity'`],
  date: [`'0044-03-15 BC'`, `'2026-01-02'`],
  interval: [`'1 day'`, `'1 mon 3 days'`],
  bytea: [`'\\x00'`, `'\\xff00'`],
  mood: [`'sad'`, `'happy'`],
  whole: ['1', '10', '9'],
  'char(4)': [`'a'`, `'b'`],
  inet: [`'10.0.0.1'`, `'10.0.0.2/8'`],
  'int[]': [`'{}'`, `'{1,NULL}'`, `'{2}'`],
  'double precision': [`'-Infinity'`, `'-0'`, '0.1', `'NaN'`],
  boolean: ['false', 'true'],
};
const keyTables = Object.keys(keyTypes).map((type, n) => ({ type, table: `public.key_${n}` }));
const names = [
  'public.Größe',
  'public.select',
  'public.with space',
  `public.a"quoted"'name`,
  'Schöne Tabellen.日本語',
  'public.percent%$1;--',
];
const CHUNK = 2;

beforeAll(async () => {
  bed = await createFeedTestBed('names');
  await bed.sql(`CREATE SCHEMA "Schöne Tabellen"; CREATE EXTENSION citext;
    CREATE COLLATION insensitive (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE DOMAIN whole AS int CHECK (value > 0)`);
  for (const { type, table } of keyTables) {
    await bed.sql(`CREATE TABLE ${table} (note text, k ${type} PRIMARY KEY)`);
    for (const value of keyTypes[type] ?? []) await bed.sql(`INSERT INTO ${table} VALUES ('read', ${value})`);
  }
  for (const name of names) {
    await bed.sql(`CREATE TABLE ${quoteTable(name)} ("Schlüssel ""1""" int, ${quoteName(`it's $1`)} text,
      PRIMARY KEY ("Schlüssel ""1"""));
      INSERT INTO ${quoteTable(name)} VALUES (1, 'read'), (2, 'read'), (3, 'read')`);
  }
  await bed.sql(`
    CREATE TABLE pair (b text, a int, body text, PRIMARY KEY (a, b));
    ALTER TABLE pair ALTER COLUMN body SET STORAGE EXTERNAL;
    CREATE TABLE pair_full (LIKE pair INCLUDING ALL); ALTER TABLE pair_full REPLICA IDENTITY FULL;
    CREATE TABLE pair_index (LIKE pair INCLUDING ALL, c int NOT NULL, UNIQUE (c, b, a));
    ALTER TABLE pair_index REPLICA IDENTITY USING INDEX pair_index_c_b_a_key;
    CREATE TABLE long_key (k text PRIMARY KEY, note text); ALTER TABLE long_key ALTER COLUMN k SET STORAGE EXTERNAL;
    CREATE TABLE mother (id int PRIMARY KEY); CREATE TABLE child (id int PRIMARY KEY, mother int REFERENCES mother);
    CREATE TABLE stranger (id int PRIMARY KEY, mother int REFERENCES mother)`);
  await bed.start({ chunkRows: CHUNK });
  const tables = [...keyTables.map(({ table }) => table), ...names];
  const others = ['pair', 'pair_full', 'pair_index', 'long_key', 'mother', 'child'].map(
    (name) => `public.${name}`,
  );
  await bed.source.ensureTables([...tables, ...others], signal);
  await bed.snapshot(tables);
});
afterAll(() => bed.close());

async function records(table: string): Promise<readonly StoredRecord[]> {
  await bed.caughtUp();
  return await bed.records(table);
}

/** What happened, in short: op, key, and the key in a header. */
function shape({ key, headers, value }: StoredRecord): unknown[] {
  const other = headers['__debezium.newkey'] ?? headers['__debezium.oldkey'];
  return [envelopeOf({ value })?.op ?? 'tombstone', key, ...(other === undefined ? [] : [other])];
}

describe.each(keyTables)('a key of type $type', ({ type, table }) => {
  test('is read in chunks, streamed, changed and deleted', async () => {
    await bed.expectCopy(table);
    const [first, second = first] = keyTypes[type] ?? [];
    const before = await records(table);
    expect(before).toHaveLength(keyTypes[type]?.length ?? 0);
    await bed.sql(`UPDATE ${table} SET note = 'changed' WHERE k = ${first}`);
    await bed.sql(`DELETE FROM ${table} WHERE k = ${second}`);
    await bed.sql(`UPDATE ${table} SET k = ${second} WHERE k = ${first}`);
    await bed.expectCopy(table);
    const changes = (await records(table)).slice(before.length).map((record) => shape(record)[0]);
    expect(changes).toEqual(['u', 'd', 'tombstone', 'd', 'tombstone', 'c']);
  });
});

test.each(names)('the table named %s is read, streamed and asked for', async (name) => {
  await bed.sql(`UPDATE ${quoteTable(name)} SET ${quoteName(`it's $1`)} = 'ä' WHERE "Schlüssel ""1""" = 2`);
  await bed.sql(`DELETE FROM ${quoteTable(name)} WHERE "Schlüssel ""1""" = 3`);
  await bed.expectCopy(name);
  const [last] = (await records(name)).slice(-3);
  expect(last?.key).toBe('{"Schlüssel \\"1\\"":2}');
  expect(envelopeOf(last ?? { value: null })).toMatchObject({
    op: 'u',
    after: { "it's $1": 'ä' },
    source: { schema: name.split('.')[0], table: name.split('.')[1] },
  });
  await bed.source.removeTables([name], signal);
  await bed.sql(`DELETE FROM ${quoteTable(name)}`);
  expect((await records(name)).at(-1)?.offset).toBe((last?.offset ?? 0) + 2);
});

describe.each(['pair', 'pair_full', 'pair_index'])('a changed composite key in %s', (name) => {
  const table = `public.${name}`;
  const values = (a: number, b: string): string =>
    name === 'pair_index' ? `'${b}', ${a}, repeat('x', 5000), 7` : `'${b}', ${a}, repeat('x', 5000)`;

  test('is a delete, a tombstone and a create that name each other; the rest of the row stays', async () => {
    await bed.sql(`INSERT INTO ${name} VALUES (${values(1, 'x')}), (${values(2, 'x')})`);
    await bed.sql(`UPDATE ${name} SET b = 'y' WHERE a = 1`);
    await bed.sql(`UPDATE ${name} SET a = a + 10`);
    await bed.sql(`DELETE FROM ${name} WHERE a = 12`);
    const [x1, x2, y1, y11, x12] = [
      '{"a":1,"b":"x"}',
      '{"a":2,"b":"x"}',
      '{"a":1,"b":"y"}',
      '{"a":11,"b":"y"}',
      '{"a":12,"b":"x"}',
    ];
    const found = await records(table);
    expect(found.map(shape)).toEqual([
      ['c', x1],
      ['c', x2],
      ['d', x1, y1],
      ['tombstone', x1, y1],
      ['c', y1, x1],
      ['d', x2, x12],
      ['tombstone', x2, x12],
      ['c', x12, x2],
      ['d', y1, y11],
      ['tombstone', y1, y11],
      ['c', y11, y1],
      ['d', x12],
      ['tombstone', x12],
    ]);
    const moved = envelopeOf(found[10] ?? { value: null })?.after?.['body'];
    expect(moved === 'x'.repeat(5_000)).toBe(true); // read at the source: the WAL left it out
    await bed.expectCopy(table);
  });

  test('swapped keys end right', async () => {
    await bed.sql(`INSERT INTO ${name} VALUES (${values(21, 'p')}), (${values(22, 'q')})`);
    await bed.sql(`UPDATE ${name} SET a = 99 WHERE a = 21; UPDATE ${name} SET a = 21, b = 'p' WHERE a = 22;
      UPDATE ${name} SET a = 22, b = 'q' WHERE a = 99`);
    await bed.expectCopy(table);
  });
});

test('a key so long that it is stored out of line is in every change', async () => {
  const key = `'ä' || repeat('k', 2500)`;
  await bed.sql(`INSERT INTO long_key VALUES (${key}, 'old')`);
  await bed.sql(`UPDATE long_key SET note = 'new'`);
  await bed.sql('DELETE FROM long_key');
  const found = await records('public.long_key');
  const text = JSON.stringify({ k: `ä${'k'.repeat(2_500)}` });
  expect(found.map(shape)).toEqual([
    ['c', text],
    ['u', text],
    ['d', text],
    ['tombstone', text],
  ]);
});

test('TRUNCATE of several tables, cascading, is told on the topic of each that is in the feed', async () => {
  await bed.sql(
    `INSERT INTO mother VALUES (1); INSERT INTO child VALUES (1, 1); INSERT INTO stranger VALUES (1, 1)`,
  );
  await bed.sql('TRUNCATE mother RESTART IDENTITY CASCADE');
  await bed.sql(`INSERT INTO mother VALUES (2); INSERT INTO child VALUES (2, 2)`);
  for (const table of ['public.mother', 'public.child']) {
    expect((await records(table)).map(shape)).toEqual([
      ['c', '{"id":1}'],
      ['t', null],
      ['c', '{"id":2}'],
    ]);
    await bed.expectCopy(table);
  }
  expect(await records('public.stranger')).toEqual([]);
});

test('an identity that loses the key while the table is in the feed is never applied silently', async () => {
  await bed.sql(`CREATE TABLE blind (id int PRIMARY KEY, code int NOT NULL UNIQUE, note text)`);
  await bed.source.ensureTables(['public.blind'], signal);
  await bed.sql('INSERT INTO blind VALUES (1, 1), (2, 2)');
  await bed.sql('ALTER TABLE blind REPLICA IDENTITY USING INDEX blind_code_key');
  await bed.sql('UPDATE blind SET id = 3 WHERE id = 1');
  await bed.sql('DELETE FROM blind WHERE id = 2');
  const found = await records('public.blind');
  expect(found.slice(2).map(shape)).toEqual([
    ['d', '{"id":null}'],
    ['u', '{"id":3}'],
    ['d', '{"id":null}'],
    ['tombstone', '{"id":null}'],
  ]);
  const mapping = compileMapping({
    source: 'public.blind',
    target: 'blind',
    kind: 'owned',
    key: ['id'],
    columns: { id: 'id' },
  });
  const refused = [2, 4].map((n) => () => decodeRecord(found[n] as StoredRecord, mapping));
  for (const decode of refused) expect(decode).toThrow('key column "id" has no value');
  await expect(bed.source.ensureTables(['public.blind'], signal)).rejects.toMatchObject({
    problems: [{ problem: 'replica-identity', remedy: 'ALTER TABLE blind REPLICA IDENTITY DEFAULT;' }],
  });
});
