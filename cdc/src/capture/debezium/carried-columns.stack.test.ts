/** Only what was asked for leaves the database: Debezium reads no other column, and no byte of one is on Kafka's disk. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { leftOutBy, outboxTopic, tableTopic, type Row } from '@banyan/contracts';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createRowReread } from '../../verify/row-reread.ts';
import { envelopeOf, eventually, PREFIX } from '../../../testing/beds/reader-test-bed.ts';
import { createDebeziumHistory } from './debezium-history.ts';
import { createDebeziumTestBed, type DebeziumTestBed } from '../../../testing/beds/debezium-test-bed.ts';

const CANARY = 'canary-93bb';
const OUTBOX = 'public.event';
let dbz: DebeziumTestBed;
const signal = (): AbortSignal => AbortSignal.timeout(90_000);

beforeAll(async () => {
  dbz = await createDebeziumTestBed('carried', { outboxTable: OUTBOX });
});
afterAll(() => dbz.close());

/** How often a text is in the files of Kafka and Connect. */
async function onDisk(text: string): Promise<number> {
  const folder = dirname(dbz.kafka.stack.secretsDir);
  let count = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name), 'latin1').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''; // a segment that the broker deleted meanwhile
      throw error;
    });
    count += bytes.split(text).length - 1;
  }
  return count;
}

const rowsOf = async (table: string): Promise<readonly Row[]> =>
  (await dbz.records(table)).flatMap((record) => {
    const envelope = envelopeOf(record);
    return [envelope?.before, envelope?.after].filter((row) => row != null);
  });

test.each([
  ['person_d', 'DEFAULT'],
  ['person_f', 'FULL'],
  ['person_i', 'USING INDEX person_i_wide'],
])(
  'changes, table snapshots, re-reads and unchanged long values: %s, replica identity %s',
  async (person, identity) => {
    const long = (text: string): string => `repeat('${text}', 1000)`;
    await dbz.bed.sql(`
    CREATE TABLE ${person} (id int NOT NULL, name text, essay text, secret text NOT NULL, diary text,
      sum int GENERATED ALWAYS AS (id + 1) STORED);
    ALTER TABLE ${person} ALTER essay SET STORAGE EXTERNAL;
    ALTER TABLE ${person} ALTER diary SET STORAGE EXTERNAL;
    CREATE UNIQUE INDEX ${person}_wide ON ${person} (secret, id);
    ALTER TABLE ${person} ADD PRIMARY KEY (id);
    ${identity === 'FULL' ? `ALTER TABLE ${person} DROP COLUMN sum;` : ''}
    ALTER TABLE ${person} REPLICA IDENTITY ${identity};
    INSERT INTO ${person} SELECT i, 'old ' || i, ${long('essay')}, '${CANARY}' || i, ${long(CANARY)}
      FROM generate_series(1, 50) i`);
    const table = { name: `public.${person}`, columns: ['id', 'name', 'essay'] };
    await dbz.source.ensureTables([table], signal());
    await dbz.snapshot([table.name]);
    await dbz.bed.sql(`
    INSERT INTO ${person} SELECT i, 'new ' || i, ${long('essay')}, '${CANARY}' || i, ${long(CANARY)}
      FROM generate_series(51, 60) i;
    UPDATE ${person} SET name = name || '!' WHERE id <= 10;
    UPDATE ${person} SET secret = '${CANARY}x' || id, diary = ${long(`${CANARY}2`)} WHERE id BETWEEN 5 AND 15;
    UPDATE ${person} SET essay = ${long('other')}, name = NULL WHERE id = 20;
    UPDATE ${person} SET id = id + 1000 WHERE id = 30;
    DELETE FROM ${person} WHERE id = 40`);
    await dbz.caughtUp();
    const { source, bus, bed } = dbz;
    const history = createDebeziumHistory({ feed: source, bus, prefix: PREFIX, signal: signal() });
    const reread = createRowReread({ source, bus, prefix: PREFIX, feed: { log: history, slot: bed.slot } });
    // Of 1030, whose key is new, nothing earlier has the essay.
    await reread.readAgain(table.name, [['1'], ['50'], ['40'], ['1030']], signal());

    const copy = new Map<string, Row>();
    for (const record of await dbz.records(table.name)) {
      const envelope = envelopeOf(record);
      for (const row of [envelope?.before, envelope?.after]) {
        if (row) expect(Object.keys(row)).toEqual(['id', 'name', 'essay']);
      }
      if (!envelope) continue;
      const key = String((envelope.after ?? envelope.before)?.['id']);
      if (envelope.op === 'd') copy.delete(key);
      // As a copy does: a value that was left out is the one of the row before.
      const isLeftOut = leftOutBy(record.headers);
      const told = Object.entries(envelope.after ?? {}).filter(([name, value]) => !isLeftOut(name, value));
      if (envelope.after) copy.set(key, { ...copy.get(key), ...Object.fromEntries(told) });
    }
    const wanted = await dbz.bed.sql(`SELECT id, name, essay FROM ${person} ORDER BY id`);
    const rows = [...copy.values()];
    expect(rows.toSorted((a, b) => Number(a['id']) - Number(b['id']))).toEqual(wanted);
    expect(await onDisk('new 51')).toBeGreaterThan(0); // it would be found there
    expect(await onDisk(CANARY)).toBe(0);
  },
  180_000,
);

test('an event is what the outbox’s columns say; of a table that somebody else published nothing is told', async () => {
  await dbz.bed
    .sql(`CREATE TABLE event (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text NOT NULL,
    aggregateid text NOT NULL, payload jsonb, note text);
    CREATE TABLE stray (id int PRIMARY KEY, secret text)`);
  const columns = ['id', 'aggregatetype', 'aggregateid', 'payload'];
  await dbz.source.ensureTables([{ name: OUTBOX, columns }], signal());
  await dbz.bed.sql(`ALTER PUBLICATION ${dbz.sourceOptions.publication} ADD TABLE stray`);
  await dbz.bed.sql(`INSERT INTO stray VALUES (1, '${CANARY}');
    INSERT INTO event (aggregatetype, aggregateid, payload, note) VALUES ('order', '17', '{"total": 1}', '${CANARY}')`);
  await dbz.snapshot([OUTBOX]);
  await dbz.caughtUp();
  const events = await dbz.topicRecords(outboxTopic('order'));
  expect(events.map(({ key, value }) => [key, value])).toEqual([
    ['"17"', '"{\\"total\\": 1}"'],
    ['"17"', '"{\\"total\\": 1}"'],
  ]);
  expect(await dbz.topicRecords(tableTopic(PREFIX, 'public.stray'))).toEqual([]);
  expect(await onDisk(CANARY)).toBe(0);
  await dbz.bed.sql(`ALTER PUBLICATION ${dbz.sourceOptions.publication} DROP TABLE stray`);
}, 180_000);

test('columns by every kind of name; one that is not there yet comes without a change of the connector', async () => {
  const odd = ['a b', 'a,b', 'a.b', '.*', "o'c", 'Größe', 'E'];
  const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  await dbz.bed
    .sql(`CREATE TABLE odd (id int PRIMARY KEY, f text DEFAULT '${CANARY}', "a-b" text DEFAULT '${CANARY}',
    ${odd.map((name) => `${quote(name)} text DEFAULT ''`).join(', ')})`);
  await dbz.bed.sql('INSERT INTO odd VALUES (1)');
  const table = { name: 'public.odd', columns: ['id', ...odd, 'later'] };
  await dbz.source.ensureTables([table], signal());
  await dbz.snapshot([table.name]);
  await dbz.bed.sql('INSERT INTO odd VALUES (2)');
  await dbz.caughtUp();
  const before = await rowsOf(table.name);
  expect(before.map((row) => Object.keys(row))).toEqual([1, 2].map(() => ['id', ...odd]));
  await dbz.bed.sql(`ALTER TABLE odd ADD later text; INSERT INTO odd (id, later) VALUES (3, 'now')`);
  await dbz.caughtUp();
  expect((await rowsOf(table.name)).at(-1)).toMatchObject({ later: 'now' });
  expect(await onDisk(CANARY)).toBe(0);
}, 180_000);

test('columns that differ by case alone, by which Debezium would end for good, are refused', async () => {
  await dbz.bed.sql('CREATE TABLE alike (id int PRIMARY KEY, name text, "Name" text)');
  const asked = dbz.source.ensureTables([{ name: 'public.alike', columns: ['id'] }], signal());
  await expect(asked).rejects.toMatchObject({
    problems: [{ table: 'public.alike', problem: 'columns-for-debezium', found: 'name and Name' }],
  });
  expect(await dbz.source.state(signal())).toEqual({ state: 'running' });
});

test('columns that are added are there from then on, those that are taken out are not', async () => {
  await dbz.bed.sql(`CREATE TABLE wide (id serial PRIMARY KEY, a text DEFAULT 'a', b text DEFAULT 'b')`);
  const name = 'public.wide';
  await dbz.source.ensureTables([{ name, columns: ['id', 'a'] }], signal());
  const over = new AbortController();
  const committed: number[] = [];
  const writer = (async () => {
    while (!over.signal.aborted) {
      committed.push(Number((await dbz.bed.sql('INSERT INTO wide DEFAULT VALUES RETURNING id'))[0]?.['id']));
    }
  })();
  await eventually('rows are written', () => committed.length > 50);
  await dbz.source.ensureTables([{ name, columns: ['b'] }], signal());
  const after = committed.length;
  await eventually('rows are written', () => committed.length > after + 50);
  over.abort();
  await writer;
  await dbz.caughtUp();
  const told = new Map((await rowsOf(name)).map((row) => [row['id'], Object.keys(row).join()]));
  expect(committed.filter((id) => !told.has(id))).toEqual([]);
  expect(committed.slice(after + 1).filter((id) => told.get(id) !== 'id,a,b')).toEqual([]);
  expect(told.get(committed[0] ?? 0)).toBe('id,a');

  await dbz.source.carryOnly([{ name, columns: ['id', 'a'] }], signal());
  await dbz.bed.sql(`INSERT INTO wide (id, b) VALUES (1000000, '${CANARY}')`);
  await dbz.caughtUp();
  expect((await rowsOf(name)).at(-1)).toEqual({ id: 1_000_000, a: 'a' });
  expect(await onDisk(CANARY)).toBe(0);
}, 180_000);
