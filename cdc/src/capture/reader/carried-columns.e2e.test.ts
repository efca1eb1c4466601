/** Only what was asked for leaves the database: not a byte of any other column is in the bus's files. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { outboxTopic, tableTopic, type Row } from '@banyan/contracts';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SourceLog } from '../../bus/bus.ts';
import { openSqliteBus } from '../../bus/sqlite/sqlite-bus.ts';
import { createFolder } from '../../../testing/beds/consumer-test-bed.ts';
import { createRowReread, type RowReread } from '../../verify/row-reread.ts';
import { startReader, type Reader } from './reader.ts';
import {
  caughtUp,
  createTestBed,
  envelopeOf,
  eventually,
  PREFIX,
  readTopic,
  type TestBed,
} from '../../../testing/beds/reader-test-bed.ts';

/** Stands in every column that nobody asked for. Long enough to be stored out of line when repeated. */
const CANARY = 'canary-7d1f';
const OUTBOX = 'public.event';

let bed: TestBed;
let bus: SourceLog;
let busFile: string;
let reader: Reader;
let reread: RowReread;
let removeFolder: () => Promise<void>;
const signal = AbortSignal.timeout(300_000);

beforeAll(async () => {
  const folder = await createFolder();
  removeFolder = () => folder.remove();
  bed = await createTestBed('carried');
  busFile = folder.file('bus.sqlite');
  bus = await openSqliteBus({ file: busFile });
  reader = await start();
  const { source } = bed;
  reread = createRowReread({ source, bus, prefix: PREFIX, feed: { log: bus, slot: bed.slot } });
});
afterAll(async () => {
  await reader.close();
  await bus.close();
  await bed.close();
  await removeFolder();
});

function start(): Promise<Reader> {
  return startReader({ ...bed.reader(bus), outboxTable: OUTBOX });
}

async function restart(): Promise<void> {
  await reader.close();
  reader = await start();
}

/** How often the canary is in the bus's files, its log and index included. */
async function canaries(): Promise<number> {
  const folder = dirname(busFile);
  let count = 0;
  for (const name of await readdir(folder)) {
    count += (await readFile(join(folder, name), 'latin1')).split(CANARY).length - 1;
  }
  return count;
}

/** The newest `after` that the topic has of a row. */
async function told(table: string, id: number): Promise<Row | null | undefined> {
  await caughtUp(bed);
  const records = await readTopic(bus, tableTopic(PREFIX, table));
  const ofRow = records.filter(({ key, value }) => key === `{"id":${id}}` && value !== null);
  return envelopeOf(ofRow.at(-1) ?? { value: null })?.after;
}

async function snapshotDone(table: string): Promise<void> {
  await bed.source.requestTableSnapshot([table], signal);
  await caughtUp(bed);
  await eventually('the table snapshot is done', () => reader.status().tableSnapshots.length === 0);
}

test.each([
  ['person_d', 'DEFAULT'],
  ['person_f', 'FULL'],
  ['person_i', 'USING INDEX person_i_wide'],
])(
  'inserts, updates, deletes, table snapshots, re-reads and unchanged long values: %s, replica identity %s',
  async (person, identity) => {
    const long = (text: string): string => `repeat('${text}', 1000)`;
    await bed.sql(`
      CREATE TABLE ${person} (id int NOT NULL, name text, essay text, secret text NOT NULL, diary text);
      ALTER TABLE ${person} ALTER essay SET STORAGE EXTERNAL;
      ALTER TABLE ${person} ALTER diary SET STORAGE EXTERNAL;
      CREATE UNIQUE INDEX ${person}_wide ON ${person} (secret, id);
      ALTER TABLE ${person} ADD PRIMARY KEY (id);
      ALTER TABLE ${person} REPLICA IDENTITY ${identity};
      INSERT INTO ${person} SELECT i, 'old ' || i, ${long('essay')}, '${CANARY}' || i, ${long(CANARY)}
        FROM generate_series(1, 50) i`);
    const table = { name: `public.${person}`, columns: ['id', 'name', 'essay'] };
    await bed.source.ensureTables([table], signal);
    await snapshotDone(table.name);
    await bed.sql(`
      INSERT INTO ${person} SELECT i, 'new ' || i, ${long('essay')}, '${CANARY}' || i, ${long(CANARY)}
        FROM generate_series(51, 60) i;
      UPDATE ${person} SET name = name || '!' WHERE id <= 10;
      UPDATE ${person} SET secret = '${CANARY}x' || id, diary = ${long(`${CANARY}2`)} WHERE id BETWEEN 5 AND 15;
      UPDATE ${person} SET essay = ${long('other')}, name = NULL WHERE id = 20;
      UPDATE ${person} SET id = id + 1000 WHERE id = 30;
      DELETE FROM ${person} WHERE id = 40`);
    await caughtUp(bed);
    await reread.readAgain(table.name, [['1'], ['50'], ['40']], signal);

    const wanted = await bed.sql(`SELECT id, name, essay FROM ${person} ORDER BY id`);
    const copy = new Map<string, unknown>();
    for (const record of await readTopic(bus, tableTopic(PREFIX, table.name))) {
      const envelope = envelopeOf(record);
      for (const row of [envelope?.before, envelope?.after]) {
        if (row) expect(Object.keys(row)).toEqual(['id', 'name', 'essay']);
      }
      if (!envelope) continue;
      const key = String((envelope.after ?? envelope.before)?.['id']);
      if (envelope.op === 'd') copy.delete(key);
      else copy.set(key, envelope.after);
    }
    expect(
      [...copy.values()].toSorted((a, b) => Number((a as Row)['id']) - Number((b as Row)['id'])),
    ).toEqual(wanted);
    expect(await canaries()).toBe(0);
  },
);

test('an event is what the outbox’s columns say; others beside them are not told', async () => {
  await bed.sql(`CREATE TABLE event (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text NOT NULL,
    aggregateid text NOT NULL, payload jsonb, note text)`);
  const columns = ['id', 'aggregatetype', 'aggregateid', 'payload'];
  await bed.source.ensureTables([{ name: OUTBOX, columns }], signal);
  await bed.sql(
    `INSERT INTO event (aggregatetype, aggregateid, payload, note) VALUES ('order', '17', '{"total": 1}', '${CANARY}')`,
  );
  await snapshotDone(OUTBOX);
  const events = await readTopic(bus, outboxTopic('order'));
  expect(events.map(({ key, value }) => [key, value])).toEqual([
    ['"17"', '"{\\"total\\": 1}"'],
    ['"17"', '"{\\"total\\": 1}"'],
  ]);
  expect(await canaries()).toBe(0);
});

test('of a table that somebody else put into the publication nothing is told, and it is no table to read again', async () => {
  await bed.sql(`CREATE TABLE stray (id int PRIMARY KEY, secret text); INSERT INTO stray VALUES (1, '${CANARY}');
    ALTER PUBLICATION ${bed.publication} ADD TABLE stray;
    INSERT INTO stray VALUES (2, '${CANARY}'); UPDATE stray SET id = 3 WHERE id = 2; TRUNCATE stray;
    INSERT INTO stray VALUES (4, '${CANARY}')`);
  await snapshotDone('public.stray');
  expect(await readTopic(bus, tableTopic(PREFIX, 'public.stray'))).toEqual([]);
  const again = reread.readAgain('public.stray', [['4']], signal);
  await expect(again).rejects.toMatchObject({ code: 'table-not-in-feed' });
  expect(await canaries()).toBe(0);
});

test('columns by every kind of name, one that is not there yet, and one that is renamed or dropped', async () => {
  const odd = ['a b', 'a,b', 'a.b', '.*', '"q"', "o'c", 'Größe', 'E'];
  const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  await bed.sql(`CREATE TABLE odd (id int PRIMARY KEY, e text DEFAULT '${CANARY}', "größe" text DEFAULT '${CANARY}',
    ${odd.map((name) => `${quote(name)} text DEFAULT ''`).join(', ')})`);
  await bed.sql('INSERT INTO odd VALUES (1)');
  const table = { name: 'public.odd', columns: ['id', ...odd, 'later'] };
  await bed.source.ensureTables([table], signal);
  await snapshotDone(table.name);
  await bed.sql('INSERT INTO odd VALUES (2)');
  for (const id of [1, 2]) expect(Object.keys((await told(table.name, id)) ?? {})).toEqual(['id', ...odd]);

  await bed.sql(`ALTER TABLE odd ADD later text; INSERT INTO odd (id, later) VALUES (3, 'now')`);
  expect(await told(table.name, 3)).toMatchObject({ later: 'now' });
  await bed.sql(`ALTER TABLE odd DROP COLUMN "a b"; ALTER TABLE odd RENAME later TO gone;
    INSERT INTO odd (id, gone) VALUES (4, '${CANARY}')`);
  expect(Object.keys((await told(table.name, 4)) ?? {})).toEqual(['id', ...odd.slice(1)]);
  expect(await canaries()).toBe(0);
});

test('once it has returned, every commit is told with the columns that were added, whoever was down meanwhile', async () => {
  await bed.sql(`CREATE TABLE wide (id serial PRIMARY KEY, a text DEFAULT 'a', b text DEFAULT 'b', c text DEFAULT 'c',
    d text DEFAULT 'd')`);
  const name = 'public.wide';
  const insert = async (): Promise<number> =>
    Number((await bed.sql('INSERT INTO wide DEFAULT VALUES RETURNING id'))[0]?.['id']);
  await bed.source.ensureTables([{ name, columns: ['id', 'a'] }], signal);
  // 1. While others write.
  const over = new AbortController();
  const committed: number[] = [];
  const writer = (async () => {
    while (!over.signal.aborted) committed.push(await insert());
  })();
  await eventually('rows are written', () => committed.length > 50);
  await bed.source.ensureTables([{ name, columns: ['b'] }], signal);
  const after = committed.length; // whatever is pushed from here on may have begun, but was not committed before
  await eventually('rows are written', () => committed.length > after + 50);
  over.abort();
  await writer;
  await caughtUp(bed);
  const rows = new Map(
    (await readTopic(bus, tableTopic(PREFIX, name))).map((record) => {
      const row = envelopeOf(record)?.after;
      return [row?.['id'], Object.keys(row ?? {}).join()];
    }),
  );
  expect(committed.slice(after + 1).filter((id) => rows.get(id) !== 'id,a,b')).toEqual([]);
  expect(committed.filter((id) => !rows.has(id))).toEqual([]);
  // 2. While the reader was down.
  await reader.close();
  await bed.source.ensureTables([{ name, columns: ['c'] }], signal);
  const inserted = await insert();
  reader = await start();
  expect(await told(name, inserted)).toEqual({ id: inserted, a: 'a', b: 'b', c: 'c' });
  // 3. Whoever had kept it died before he could tell; he, or another one, asks again.
  await bed.sql(`INSERT INTO banyan.feed_column (table_name, column_name) VALUES ('${name}', 'd')`);
  await bed.source.ensureTables([{ name, columns: ['d'] }], signal);
  const last = await insert();
  expect(await told(name, last)).toEqual({ id: last, a: 'a', b: 'b', c: 'c', d: 'd' });
  await restart();
  const again = await insert();
  expect(await told(name, again)).toMatchObject({ d: 'd' });
});

test('what is taken out is told no more, and a membership shows what was out for a while', async () => {
  await bed.sql('CREATE TABLE narrow (id int PRIMARY KEY, a text, b text)');
  const [both, one] = [['a', 'b'], ['a']].map((columns) => ({
    name: 'public.narrow',
    columns: ['id', ...columns],
  }));
  if (!both || !one) throw new Error('no tables');
  await bed.source.ensureTables([both], signal);
  const [ofBoth, ofOne] = [
    await bed.source.feedMembership([both], signal),
    await bed.source.feedMembership([one], signal),
  ];
  await bed.sql(`INSERT INTO narrow VALUES (1, 'x', 'y')`);
  expect(await told(both.name, 1)).toEqual({ id: 1, a: 'x', b: 'y' });

  await bed.source.carryOnly([one], signal);
  expect(await bed.source.feedMembership([one], signal)).toBe(ofOne);
  expect(await bed.source.feedMembership([both], signal)).not.toBe(ofBoth);
  await bed.sql(`INSERT INTO narrow VALUES (2, 'x', '${CANARY}')`);
  expect(await told(both.name, 2)).toEqual({ id: 2, a: 'x' });
  expect(await bed.sql('SELECT DISTINCT table_name FROM banyan.feed_column')).toEqual([
    { table_name: one.name },
  ]);

  await bed.source.ensureTables([both], signal);
  const again = await bed.source.feedMembership([both], signal);
  expect([ofBoth, ofOne]).not.toContain(again);
  expect(await bed.source.feedMembership([one], signal)).toBe(ofOne);
  await bed.source.removeTables([both.name], signal);
  await bed.source.ensureTables([one], signal);
  expect(await bed.source.feedMembership([one], signal)).not.toBe(ofOne);
  expect(await canaries()).toBe(0);
});
