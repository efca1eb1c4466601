/** Tables and types that change while they are in the feed, also before the reader comes to what was written earlier. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tableTopic, UNAVAILABLE_VALUE } from '@banyan/contracts';
import { createFeedTestBed, type FeedTestBed } from '../../../testing/beds/feed-test-bed.ts';
import { envelopeOf, PREFIX, readTopic } from '../../../testing/beds/reader-test-bed.ts';

let bed: FeedTestBed;
const signal = AbortSignal.timeout(300_000);

beforeAll(async () => {
  bed = await createFeedTestBed('schema_changes');
  await bed.start();
});
afterAll(() => bed.close());

/** Runs SQL while no reader listens, so that the catalog is of later when the changes are read. */
async function whileAway(...statements: readonly string[]): Promise<void> {
  await bed.stop();
  for (const statement of statements) await bed.sql(statement);
  await bed.start();
}

async function create(name: string, columns: string): Promise<string> {
  await bed.sql(`CREATE TABLE ${name} (${columns})`);
  await bed.source.ensureTables([`public.${name}`], signal);
  return tableTopic(PREFIX, `public.${name}`);
}

/** Rows after each change; the old row of a delete; `t` of a truncate. */
async function told(topic: string): Promise<unknown[]> {
  await bed.caughtUp();
  return (await readTopic(bed.bus, topic)).flatMap((record) => {
    const envelope = envelopeOf(record);
    return envelope ? [envelope.after ?? envelope.before ?? envelope.op] : [];
  });
}

const changes: readonly string[] = [
  `INSERT INTO %s (id, a) VALUES (1, 'one')`,
  `ALTER TABLE %s ADD COLUMN b int DEFAULT 7`,
  `INSERT INTO %s (id, a) VALUES (2, 'two')`,
  `ALTER TABLE %s RENAME COLUMN a TO c`,
  `UPDATE %s SET c = 'eins' WHERE id = 1`,
  `ALTER TABLE %s ALTER COLUMN b TYPE text USING 'b' || b`,
  `UPDATE %s SET c = 'zwei' WHERE id = 2`,
  `ALTER TABLE %s DROP COLUMN c, ADD COLUMN c date`,
  `UPDATE %s SET c = '1970-01-02' WHERE id = 1`,
  `DELETE FROM %s WHERE id = 2`,
];
const afterwards = [
  { id: 1, a: 'one' },
  { id: 2, a: 'two', b: 7 },
  { id: 1, c: 'eins', b: 7 },
  { id: 2, c: 'zwei', b: 'b7' },
  { id: 1, b: 'b7', c: 1 },
  { id: 2, b: null, c: null },
];

test('each change has the columns of its time: added, renamed, retyped, dropped, made again', async () => {
  const topic = await create('live', 'id int PRIMARY KEY, a text');
  for (const change of changes) await bed.sql(change.replace('%s', 'live'));
  expect(await told(topic)).toEqual(afterwards);
});

test('also inside one transaction, read while it goes on and long after', async () => {
  const one = await create('one_go', 'id int PRIMARY KEY, a text');
  await bed.sql(`BEGIN; ${changes.map((change) => change.replace('%s', 'one_go')).join('; ')}; COMMIT`);
  expect(await told(one)).toEqual(afterwards);
  const away = await create('one_go_away', 'id int PRIMARY KEY, a text');
  await whileAway(changes.map((change) => change.replace('%s', 'one_go_away')).join('; '));
  expect(await told(away)).toEqual(afterwards);
});

test('changes from before a new primary key keep the old one, in its order', async () => {
  const topic = await create('rekeyed', 'b int, a int, c int NOT NULL DEFAULT 0, PRIMARY KEY (b)');
  await whileAway(
    'INSERT INTO rekeyed VALUES (1, 10)',
    'ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey, ADD PRIMARY KEY (c, a)',
    'INSERT INTO rekeyed VALUES (2, 20)',
    'DELETE FROM rekeyed WHERE a = 10',
    'ALTER TABLE rekeyed DROP CONSTRAINT rekeyed_pkey, ADD PRIMARY KEY (a, b)',
    'UPDATE rekeyed SET c = 1',
  );
  await bed.caughtUp();
  const keys = (await readTopic(bed.bus, topic)).map((record) => record.key);
  // (c, a) is gone from the catalog when its changes are read: the same columns, in the table's order.
  expect(keys).toEqual(['{"b":1}', '{"a":20,"c":0}', '{"a":10,"c":0}', '{"a":10,"c":0}', '{"a":20,"b":2}']);
});

test('types that are gone keep their meaning, as far as the stream or the reader knows it', async () => {
  await bed.sql(
    `CREATE TYPE color AS ENUM ('red', 'green'); CREATE DOMAIN amount AS int8; CREATE DOMAIN ratio AS float8`,
  );
  const topic = await create('typed', 'id int PRIMARY KEY, e color, es color[], d amount, ds amount[]');
  await bed.sql(`INSERT INTO typed VALUES (1, 'red', '{red,NULL}', 1, '{1}')`);
  const first = { id: 1, e: 'red', es: ['red', null], d: 1, ds: [1] };
  expect(await told(topic)).toEqual([first]);
  await whileAway(
    `INSERT INTO typed VALUES (2, 'green', '{green}', 2, '{2}')`,
    `ALTER TABLE typed ADD COLUMN r ratio`,
    `UPDATE typed SET r = 0.5 WHERE id = 2`,
    'ALTER TABLE typed ALTER COLUMN e TYPE text, ALTER COLUMN es TYPE text, ALTER COLUMN d TYPE text, DROP COLUMN ds, DROP COLUMN r',
    'DROP TYPE color; DROP DOMAIN amount; DROP DOMAIN ratio',
    `CREATE TYPE color AS ENUM ('blue'); CREATE DOMAIN amount AS boolean`,
    `ALTER TABLE typed ADD COLUMN e2 color DEFAULT 'blue', ADD COLUMN d2 amount DEFAULT true`,
    `INSERT INTO typed VALUES (3, 'any', 'any', 'any')`,
  );
  expect(await told(topic)).toEqual([
    first,
    // A new reader that meets the domain's array when it is gone can only tell its elements as texts.
    { id: 2, e: 'green', es: ['green'], d: 2, ds: ['2'] },
    { id: 2, e: 'green', es: ['green'], d: 2, ds: ['2'], r: 0.5 },
    { id: 3, e: 'any', es: 'any', d: 'any', e2: 'blue', d2: true },
  ]);
});

test('of a renamed table nothing is told until its new name is asked for', async () => {
  const [before, after] = [
    await create('old_name', 'id int PRIMARY KEY'),
    tableTopic(PREFIX, 'public.new.name'),
  ];
  await bed.sql('INSERT INTO old_name VALUES (1)');
  await bed.sql('ALTER TABLE old_name RENAME TO "new.name"');
  await bed.sql('INSERT INTO "new.name" VALUES (2)');
  expect([await told(before), await told(after)]).toEqual([[{ id: 1 }], []]);
  await bed.sql('ALTER TABLE "new.name" RENAME TO new_name');
  await bed.source.ensureTables(['public.new_name'], signal);
  await bed.sql('INSERT INTO new_name VALUES (3)');
  expect(await told(tableTopic(PREFIX, 'public.new_name'))).toEqual([{ id: 3 }]);
  await bed.sql('ALTER TABLE new_name RENAME TO "new.name"');
  await expect(
    bed.source.describeTables(['public.old_name', 'public.new.name'], signal),
  ).rejects.toMatchObject({
    problems: [
      { table: 'public.old_name', problem: 'missing' },
      { table: 'public.new.name', problem: 'name' },
    ],
  });
});

test('a table that is dropped and made again is another one: it must be put into the feed anew', async () => {
  const topic = await create('again', 'id int PRIMARY KEY, note text');
  await whileAway(
    `INSERT INTO again VALUES (1, 'first')`,
    'DROP TABLE again',
    'CREATE TABLE again (note int, id text PRIMARY KEY)',
    `INSERT INTO again VALUES (2, 'unheard')`,
  );
  expect(await told(topic)).toEqual([{ id: 1, note: 'first' }]);
  expect(await bed.source.feedMembership(['public.again', 'public.live'], signal)).toMatch(
    / public\.again=absent public\.live=\d/,
  );
  await bed.source.ensureTables(['public.again'], signal);
  expect(await bed.source.feedMembership(['public.again'], signal)).toMatch(/ public\.again=\d/);
  await bed.sql(`INSERT INTO again VALUES (3, 'heard')`);
  expect((await told(topic)).slice(1)).toEqual([{ id: 'heard', note: 3 }]);
});

test('a long value that an update left out is not taken from another table that has the name by now', async () => {
  const topic = await create('big', 'id int PRIMARY KEY, note text, body text');
  await bed.sql(`ALTER TABLE big ALTER COLUMN body SET STORAGE EXTERNAL`);
  await bed.sql(`INSERT INTO big VALUES (1, 'old', repeat('x', 5000))`);
  await whileAway(
    `UPDATE big SET note = 'new'`,
    'ALTER TABLE big RENAME TO big_once',
    `CREATE TABLE big (id int PRIMARY KEY, body text)`,
    `INSERT INTO big VALUES (1, 'of another table')`,
  );
  expect((await told(topic)).slice(1)).toEqual([{ id: 1, note: 'new', body: UNAVAILABLE_VALUE }]);
});

test('a key that is of another type by now does not stop the reader', async () => {
  const topic = await create('retyped', 'k text PRIMARY KEY, note text, body text');
  await bed.sql('ALTER TABLE retyped ALTER COLUMN body SET STORAGE EXTERNAL');
  await bed.sql(`INSERT INTO retyped VALUES ('one', 'old', repeat('x', 5000))`);
  await whileAway(
    `UPDATE retyped SET note = 'new'`,
    `ALTER TABLE retyped ALTER COLUMN k TYPE int USING length(k)`,
    `UPDATE retyped SET note = 'newer'`,
  );
  expect((await told(topic)).slice(1)).toEqual([
    { k: 'one', note: 'new', body: UNAVAILABLE_VALUE },
    { k: 3, note: 'newer', body: 'x'.repeat(5_000) },
  ]);
});

test('generated columns are left out, identity columns are not, whether read or streamed', async () => {
  const topic = await create(
    'made',
    `id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int, twice int GENERATED ALWAYS AS (n * 2) STORED`,
  );
  await bed.sql('INSERT INTO made (n) VALUES (1), (2)');
  expect(await told(topic)).toEqual([
    { id: 1, n: 1 },
    { id: 2, n: 2 },
  ]);
  await bed.source.requestTableSnapshot(['public.made'], signal);
  await bed.expectCopy('public.made');
});
