import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { RangeRequest, Row } from '@banyan/contracts';
import type { Knex } from 'knex';
import type { CaughtUp } from '../caught-up/caught-up.ts';
import { createFolder, note, notesSlice, openNotes } from '../consumer/consumer-test-bed.ts';
import { compileMapping, type CompiledTable } from '../consumer/mapping.ts';
import { createSqliteApplyStore } from '../consumer/sqlite-apply-store.ts';
import type { Source } from '../source/source.ts';
import type { ServiceCopy } from './copy.ts';
import { verifySlice, type VerifyProgress, type VerifyResult } from './verify-slice.ts';

const ROWS = 25;
const CHUNK = 10;

let folder: Awaited<ReturnType<typeof createFolder>>;
let knex: Knex;
let files = 0;
let sourceRows: Map<bigint, Row>;
/** Runs when the source, or the copy, is asked for rows. */
let onSourceRead: () => void;
let onCaughtUp: () => Promise<void>;
let waits: number;
let ranges: RangeRequest[];

beforeAll(async () => {
  folder = await createFolder();
});
afterAll(() => folder.remove());
beforeEach(async () => {
  files += 1;
  knex = await openNotes(folder.file(`${files}.sqlite`));
  sourceRows = new Map();
  onSourceRead = () => undefined;
  onCaughtUp = () => Promise.resolve();
  waits = 0;
  ranges = [];
  for (let id = 1n; id <= ROWS; id += 1n)
    sourceRows.set(id, note(id, { big: 2n ** 60n + id, tags: ['x'], done: true }));
  await write(...sourceRows.values());
});
afterEach(() => knex.destroy());

const table = ((): CompiledTable => {
  const [mapping] = notesSlice.tables;
  if (!mapping) throw new Error('no table');
  return compileMapping(mapping);
})();

const refuse = (): never => {
  throw new Error('not asked in these tests');
};

/** Puts source rows into the copy. */
async function write(...rows: Row[]): Promise<void> {
  const change = { clear: false, deletes: [], upserts: rows.map((row) => table.forward(row)), updates: [] };
  const nothing = { progress: [], barriers: [], releasedTopics: [], quarantine: [] };
  await createSqliteApplyStore({ knex }).apply({ ...nothing, tables: [{ table, change }] });
}

const source: Source = {
  ensureTables: refuse,
  removeTables: refuse,
  describeTables: refuse,
  feedMembership: refuse,
  requestTableSnapshot: refuse,
  stopTableSnapshots: refuse,
  requestRowReread: refuse,
  takePosition: refuse,
  slotStatus: refuse,
  close: () => Promise.resolve(),
  readRows({ afterKey, toKey, limit, columns }) {
    onSourceRead();
    const after = afterKey?.[0] === undefined ? null : BigInt(afterKey[0]);
    const to = toKey?.[0] === undefined ? null : BigInt(toKey[0]);
    const ids = [...sourceRows.keys()].sort((a, b) => (a < b ? -1 : 1));
    return Promise.resolve(
      ids
        .filter((id) => (after === null || id > after) && (to === null || id <= to))
        .slice(0, limit)
        .map((id) =>
          Object.fromEntries(columns.map((column) => [column, sourceRows.get(id)?.[column] ?? null])),
        ),
    );
  },
};

const caughtUp: CaughtUp = {
  async wait() {
    waits += 1;
    await onCaughtUp();
    return { position: '0/1' };
  },
};

function verify(changes: { slice?: typeof notesSlice; chunkRows?: number } = {}): Promise<VerifyResult> {
  const store = createSqliteApplyStore({ knex });
  const copy: ServiceCopy = {
    sync: refuse,
    metTopics: refuse,
    range(request) {
      ranges.push(request);
      return store.range(table, request);
    },
    rows: (request) => store.rows(table, request),
  };
  const signal = AbortSignal.timeout(10_000);
  return verifySlice({ source, copy, caughtUp, slice: notesSlice, chunkRows: CHUNK, signal, ...changes });
}

const same = { rowsSource: ROWS, rowsTarget: ROWS, differences: 0, examples: [] };

describe('a copy that is right', () => {
  test('has no difference, and the copy is asked for a hash a chunk, over all keys', async () => {
    expect(await verify()).toEqual(same);
    expect(ranges).toEqual([
      { table: 'note', afterKey: null, toKey: ['10'] },
      { table: 'note', afterKey: ['10'], toKey: ['20'] },
      { table: 'note', afterKey: ['20'], toKey: null },
    ]);
    expect(waits).toBe(0);
  });

  test.each([1, 5, 25, 1_000])('has none in chunks of %i', async (chunkRows) => {
    expect(await verify({ chunkRows })).toEqual(same);
  });

  test('of an empty table is empty', async () => {
    sourceRows.clear();
    await knex.raw('DELETE FROM note');
    expect(await verify()).toEqual({ ...same, rowsSource: 0, rowsTarget: 0 });
  });

  test('tells how far it has come', async () => {
    const seen: VerifyProgress[] = [];
    const copyStore = createSqliteApplyStore({ knex });
    await verifySlice({
      source,
      caughtUp,
      slice: notesSlice,
      chunkRows: CHUNK,
      copy: {
        sync: refuse,
        metTopics: refuse,
        range: (request) => copyStore.range(table, request),
        rows: (request) => copyStore.rows(table, request),
      },
      signal: AbortSignal.timeout(10_000),
      onProgress: (progress) => seen.push(progress),
    });
    expect(seen.map(({ rows }) => rows)).toEqual([10, 20, 25]);
  });
});

describe('a difference is found', () => {
  test.each([1, 10, 11, 13, 25])('when row %i is missing', async (id) => {
    await knex.raw('DELETE FROM note WHERE note_id = ?', [id]);
    expect(await verify()).toMatchObject({
      rowsTarget: ROWS - 1,
      differences: 1,
      examples: [`public.notes [${id}]: missing in the service`],
    });
  });

  test.each([-5, 0, 26, 2_000])('when the service has a row %i that the source has not', async (id) => {
    await write(note(id));
    expect(await verify()).toMatchObject({
      rowsTarget: ROWS + 1,
      differences: 1,
      examples: [`public.notes [${id}]: only in the service`],
    });
  });

  test('when the source has lost a row in the middle', async () => {
    sourceRows.delete(12n);
    expect(await verify()).toMatchObject({ examples: ['public.notes [12]: only in the service'] });
  });

  test.each([
    [1, 'text', 'other'],
    [10, 'big', null],
    [13, 'done', 0],
    [25, 'tags', '["y"]'],
  ])('when row %i has another %s', async (id, column, value) => {
    await knex.raw(`UPDATE note SET ${column} = ? WHERE note_id = ?`, [value, id]);
    expect(await verify()).toMatchObject({
      differences: 1,
      examples: [`public.notes [${id}]: different in the service`],
    });
  });

  test('when a 64-bit integer is off by one', async () => {
    await knex.raw('UPDATE note SET big = big + 1 WHERE note_id = 7');
    expect(await verify()).toMatchObject({ examples: ['public.notes [7]: different in the service'] });
  });

  test('in every row of an empty copy, with ten examples', async () => {
    await knex.raw('DELETE FROM note');
    const result = await verify();
    expect(result).toMatchObject({ rowsSource: ROWS, rowsTarget: 0, differences: ROWS });
    expect(result.examples).toHaveLength(10);
  });
});

describe('while the source is written to', () => {
  test('a copy that lags is no difference', async () => {
    sourceRows.set(5n, note(5n, { body: 'newer' }));
    sourceRows.set(30n, note(30n));
    sourceRows.delete(25n);
    onCaughtUp = async () => {
      await write(note(5n, { body: 'newer' }), note(30n));
      await knex.raw('DELETE FROM note WHERE note_id = 25');
    };
    expect(await verify()).toEqual({ ...same, differences: 0 });
    expect(waits).toBeGreaterThan(0);
  });

  test('a copy that lags and is wrong is a difference', async () => {
    sourceRows.set(5n, note(5n, { body: 'newer' }));
    await knex.raw("UPDATE note SET text = 'wrong' WHERE note_id = 6");
    onCaughtUp = () => write(note(5n, { body: 'newer' }));
    expect(await verify()).toMatchObject({
      differences: 1,
      examples: ['public.notes [6]: different in the service'],
    });
  });

  test('a row that changes during the second look is looked at again', async () => {
    sourceRows.set(5n, note(5n, { body: 'v1' }));
    let version = 1;
    onCaughtUp = async () => {
      await write(note(5n, { body: `v${version}` }));
      // The source moves on before it is read again, twice; then it rests.
      if (version < 3) sourceRows.set(5n, note(5n, { body: `v${(version += 1)}` }));
    };
    expect(await verify()).toEqual(same);
    expect(waits).toBe(3);
  });

  test('an update that the copy lost is found though the row goes on changing for a while', async () => {
    sourceRows.set(5n, note(5n, { body: 'v1' }));
    let version = 1;
    onSourceRead = () => {
      if (version < 4) sourceRows.set(5n, note(5n, { body: `v${(version += 1)}` }));
    };
    expect(await verify()).toMatchObject({ examples: ['public.notes [5]: different in the service'] });
  });

  test('a row that never rests does not pass', async () => {
    let version = 0;
    onSourceRead = () => {
      version += 1;
      sourceRows.set(5n, note(5n, { body: `v${version}` }));
    };
    expect(await verify()).toMatchObject({
      differences: 1,
      examples: ['public.notes [5]: changes so often that it could not be compared'],
    });
  });
});

test('a key column with a transform is refused, since the sides would not sort alike', async () => {
  const [mapping] = notesSlice.tables;
  if (!mapping) throw new Error('no table');
  const slice = { ...notesSlice, tables: [{ ...mapping, key: ['title'] }] };
  await expect(verify({ slice })).rejects.toMatchObject({ code: 'verify-unsupported' });
});

test('a source that sorts text keys by another collation is refused', async () => {
  const [mapping] = notesSlice.tables;
  if (!mapping) throw new Error('no table');
  const columns = { ...mapping.columns, title: 'headline' };
  const slice = { ...notesSlice, tables: [{ ...mapping, key: ['title'], columns }] };
  sourceRows = new Map([
    [1n, note(1, { title: 'a' })],
    [2n, note(2, { title: 'B' })],
  ]);
  await expect(verify({ slice })).rejects.toThrow(
    'public.notes: the source does not sort its keys by their bytes',
  );
});
