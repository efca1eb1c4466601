/** Verification over everything real: PostgreSQL, the reader, the bus, and a service in a process of its own. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { createCaughtUp, type CaughtUp } from './caught-up.ts';
import type { SourceLog } from '../bus/bus.ts';
import { openSqliteBus } from '../bus/sqlite/sqlite-bus.ts';
import { createFolder } from '../../testing/beds/consumer-test-bed.ts';
import { createTestBed, eventually, PREFIX, type TestBed } from '../../testing/beds/reader-test-bed.ts';
import { startReader, type Reader } from '../capture/reader/reader.ts';
import { createRowReread } from './row-reread.ts';
import {
  followTableSnapshots,
  type TableSnapshotFollower,
} from '../capture/table-snapshot/table-snapshot-progress.ts';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { createHttpServiceCopy } from './service-client/http-service-copy.ts';
import { defaultPaceLimits } from './pace.ts';
import { differencesOf, type TableVerifyState } from './verify-state.ts';
import { verifySlice, type VerifyOptions } from './verify-slice.ts';
import {
  keyedSlice,
  keyedTables,
  keyOf,
  openKeyedStore,
  PEER_TOKEN,
  ROWS,
  sourceStatements,
  startService,
  type KeyedTable,
  type ServiceProcess,
} from '../../testing/beds/verify-test-bed.ts';

const signal = AbortSignal.timeout(300_000);
const tableNames = keyedSlice.tables.map(({ source }) => source);
let folder: Awaited<ReturnType<typeof createFolder>>;
let bed: TestBed;
let bus: SourceLog;
let reader: Reader;
let follower: TableSnapshotFollower;
let service: ServiceProcess;
/** The service's store, to plant what is wrong. */
let planted: Knex;
let caughtUp: CaughtUp;
const stop = new AbortController();

beforeAll(async () => {
  folder = await createFolder();
  bed = await createTestBed('verify');
  for (const statement of sourceStatements()) await bed.sql(statement);
  bus = await openSqliteBus({ file: folder.file('bus.sqlite') });
  follower = await followTableSnapshots({ bus, prefix: PREFIX, signal: stop.signal });
  reader = await startReader(bed.reader(bus));
  caughtUp = createCaughtUp({ source: bed.source, bus, prefix: PREFIX });
  const store = folder.file('store.sqlite');
  await (await openKeyedStore(store)).destroy();
  planted = await openSqliteFile({ file: store });
  service = await startService({ bus: folder.file('bus.sqlite'), store });
  await bed.source.ensureTables(tableNames, signal);
  const id = await bed.source.requestTableSnapshot(tableNames, signal);
  await eventually('the table snapshot is complete', () =>
    tableNames.every((name) => {
      const progress = follower.progress(name);
      return progress?.id === id && progress.state === 'completed';
    }),
  );
  await caughtUp.wait({ slice: keyedSlice, copy: copyOf(service), signal });
}, 180_000);

afterAll(async () => {
  stop.abort();
  await service.kill();
  await reader.close();
  await planted.destroy();
  await follower.ended;
  await bus.close();
  await bed.close();
  await folder.remove();
});

function copyOf({ url }: ServiceProcess): VerifyOptions['copy'] {
  return createHttpServiceCopy({ url, peerToken: PEER_TOKEN });
}

async function verify(changes: Partial<VerifyOptions> = {}): Promise<readonly TableVerifyState[]> {
  const options = { source: bed.source, copy: copyOf(service), slice: keyedSlice, caughtUp };
  return (await verifySlice({ ...options, pageRows: 200, pieceRows: 50, signal, ...changes })).tables;
}

/** Verifies, and has what differs read again. */
function repair(): Promise<readonly TableVerifyState[]> {
  return verify({ reread: createRowReread({ source: bed.source, bus, prefix: PREFIX }) });
}

type Keys = readonly (readonly string[])[];

/** The keys of the first, a middle and the last row of a table in the service, and of two beside a piece's end. */
async function someKeys(table: KeyedTable): Promise<Keys> {
  const key = keyOf(table);
  const selected = key.map((column, i) => `CAST(${column} AS TEXT) AS k${i}`).join(', ');
  const rows = await planted.raw<Record<string, string>[]>(
    `SELECT ${selected} FROM ${table.name} ORDER BY ${key.join(', ')}`,
  );
  return [0, 49, 50, 333, ROWS - 1].map((i) => key.map((_, k) => rows[i]?.[`k${k}`] ?? ''));
}

async function plantAt(table: KeyedTable, keys: Keys, statement: string): Promise<void> {
  const where = keyOf(table)
    .map((column) => `${column} = ?`)
    .join(' AND ');
  for (const key of keys) await planted.raw(`${statement} WHERE ${where}`, [...key]);
}

/** What was planted in each table, told as the verification should tell it. */
type Planted = ReadonlyMap<string, { readonly keys: Keys; readonly columns: readonly string[] }>;

async function plant(
  change: (table: KeyedTable, keys: Keys) => Promise<{ keys: Keys; columns: readonly string[] }>,
): Promise<Planted> {
  const all = new Map<string, { keys: Keys; columns: readonly string[] }>();
  for (const table of keyedTables)
    all.set(`public.${table.name}`, await change(table, await someKeys(table)));
  return all;
}

function expectFound(
  found: readonly TableVerifyState[],
  kind: 'missing' | 'extra' | 'different',
  wanted: Planted,
): void {
  for (const table of found) {
    const { keys, columns } = wanted.get(table.source) ?? { keys: [], columns: [] };
    const counts = { missing: 0, extra: 0, different: 0, unsettled: 0, [kind]: keys.length };
    expect(table).toMatchObject({ source: table.source, rowsSource: ROWS, ...counts });
    const byKey = (a: { key: readonly string[] }, b: { key: readonly string[] }): number =>
      JSON.stringify(a.key) < JSON.stringify(b.key) ? -1 : 1;
    const told = table.examples.map(({ key, kind: is, fields }) => ({
      key,
      kind: is,
      columns: fields.map(({ column }) => column),
    }));
    expect(told.toSorted(byKey)).toEqual(keys.map((key) => ({ key, kind, columns })).toSorted(byKey));
  }
}

async function insertAt(table: KeyedTable, keys: Keys): Promise<void> {
  for (const key of keys) {
    const places = key.map(() => '?').join(', ');
    await planted.raw(`INSERT INTO ${table.name} VALUES (${places}, 'x', NULL, '1.000000', 1, 2)`, [...key]);
  }
}

beforeEach(async () => {
  // What an earlier test planted is mended.
  expect(differencesOf(await verify({ pageRows: 1_000, pieceRows: 1_000 }))).toBe(0);
});

describe('a difference in every kind of table, at both ends of the key range and inside, is found and mended:', () => {
  test.each<[string, readonly string[], string]>([
    ['another text', ['label'], "SET label = 'other'"],
    ['null against empty text, and the reverse', ['remark'], "SET remark = iif(remark IS NULL, '', NULL)"],
    ['a number of less precision', ['price'], "SET price = rtrim(price, '0')"],
    ['an integer that a double does not tell apart', ['n'], 'SET n = n + 1'],
    ['swapped values', ['n', 'm'], 'SET n = m, m = n'],
  ])('%s', async (_what, columns, statement) => {
    const wanted = await plant(async (table, keys) => {
      await plantAt(table, keys, `UPDATE ${table.name} ${statement}`);
      return { keys, columns };
    });
    expectFound(await verify(), 'different', wanted);
    const repaired = await repair();
    expect(repaired.map((table) => table.repaired)).toEqual(keyedTables.map(() => 5));
    expect(differencesOf(repaired)).toBe(0);
  });

  test('missing rows', async () => {
    const wanted = await plant(async (table, keys) => {
      await plantAt(table, keys, `DELETE FROM ${table.name}`);
      return { keys, columns: [] };
    });
    expectFound(await verify(), 'missing', wanted);
    const repaired = await repair();
    expect(repaired.map((table) => table.repaired)).toEqual(keyedTables.map(() => 5));
  });

  test('rows that only the service has', async () => {
    const wanted = await plant(async (table) => {
      await insertAt(table, table.free);
      return { keys: table.free, columns: [] };
    });
    expectFound(await verify(), 'extra', wanted);
    const repaired = await repair();
    // A date is a number in the service, and nobody asks PostgreSQL for a date by a number.
    expect(repaired.map((table) => [table.source, table.repaired, table.extra])).toEqual([
      ['public.big', 3, 0],
      ['public.pair', 3, 0],
      ['public.doc', 3, 0],
      ['public.word', 3, 0],
      ['public.day', 0, 3],
    ]);
    expect(repaired.at(-1)?.notes.join()).toContain('cannot be read again by a key of dates');
    await planted.raw('DELETE FROM day WHERE day IN (-20000, 10958, 90000)');
  });
});

test('values of personal columns are not told, those of others are', async () => {
  await planted.raw(`UPDATE doc SET remark = 'secret', label = 'told' WHERE id = '${await firstDoc()}'`);
  const { fields } = (await verify())[2]?.examples[0] ?? { fields: [] };
  expect(fields).toEqual([
    { column: 'label', wanted: expect.stringMatching(/^label \d+$/), got: 'told', isHidden: false },
    { column: 'remark', wanted: null, got: null, isHidden: true },
  ]);
  expect(differencesOf(await repair())).toBe(0);
});

async function firstDoc(): Promise<string> {
  const rows = await planted.raw<{ id: string }[]>('SELECT id FROM doc ORDER BY id LIMIT 1');
  return rows[0]?.id ?? '';
}

test('a key that its database sorts by language is read by its bytes, and the report says what that costs', async () => {
  const tables = await verify();
  expect(tables.map(({ notes }) => notes.length)).toEqual([0, 1, 0, 1, 0]);
  expect(tables[3]?.notes[0]).toMatch(/public\.word .* index on \(word COLLATE "C"\)/);
});

test('a copy that lags is no difference', async () => {
  // 1. Nothing can be applied while somebody else writes to the store; reading goes on.
  const lock = await openSqliteFile({ file: folder.file('store.sqlite') });
  await lock.raw('BEGIN IMMEDIATE');
  // 2. The source goes on: each kind of change.
  await bed.sql(`UPDATE public.big SET label = 'new' WHERE n % 100 = 0`);
  await bed.sql(`DELETE FROM public.doc WHERE n % 50 = 0`);
  await bed.sql(`INSERT INTO public.word VALUES ('new', 'x', NULL, 1, 1, 1)`);
  const asked = (await service.counts()).rows;
  const verified = verify();
  // 3. It has seen that the copy differs, and looks at the rows.
  await eventually('rows are looked at', async () => (await service.counts()).rows > asked);
  await lock.raw('ROLLBACK');
  await lock.destroy();
  // 4. Now the copy comes.
  const tables = await verified;
  expect(differencesOf(tables)).toBe(0);
  for (const { rowsSource, rowsTarget } of tables) expect(rowsTarget).toBe(rowsSource);
  await bed.sql(`DELETE FROM public.word WHERE word = 'new'`);
  await bed.sql(`INSERT INTO public.doc SELECT md5(i::text)::uuid, 'label ' || i, CASE i % 2 WHEN 0 THEN '' END, 1.5 + i,
    9007199254740993 + i, i FROM generate_series(0, ${ROWS - 1}) i ON CONFLICT DO NOTHING`);
});

test('rows that change all the time are no difference once they rest, and their neighbours are judged', async () => {
  await planted.raw(`UPDATE big SET label = 'wrong' WHERE id = 18000000000000003`);
  const rest = new AbortController();
  const writer = (async () => {
    while (!rest.signal.aborted)
      await bed.sql(`UPDATE public.big SET m = m + 1 WHERE id IN (0, 36000000000000006)`);
  })();
  const tables = await verify();
  rest.abort();
  await writer;
  expect(tables[0]).toMatchObject({ different: 1, missing: 0, extra: 0 });
  expect(tables[0]?.examples.filter(({ kind }) => kind === 'different')).toMatchObject([
    { key: ['18000000000000003'], fields: [{ column: 'label' }] },
  ]);
  expect(differencesOf(await repair())).toBe(0);
});

test('a service that is killed in the middle and started again is waited for', async () => {
  const before = service;
  let pages = 0;
  const tables = await verify({
    pace: { ...defaultPaceLimits, maxRowsPerSecond: 20_000 },
    async onProgress() {
      pages += 1;
      if (pages !== 4) return;
      await before.kill();
      const port = Number(new URL(before.url).port);
      // Not awaited: the verification goes on meanwhile, into nothing.
      void startService({ bus: folder.file('bus.sqlite'), store: folder.file('store.sqlite'), port }).then(
        (started) => (service = started),
      );
    },
  });
  expect(tables.map(({ step, rowsTarget }) => [step, rowsTarget])).toEqual(
    keyedTables.map(() => ['done', ROWS]),
  );
  await eventually('the service is back', () => service !== before);
});
