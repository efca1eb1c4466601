import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { PiecesRequest, Row, SyncReport } from '@banyan/contracts';
import type { Knex } from 'knex';
import type { CaughtUp } from '../caught-up/caught-up.ts';
import { createFolder, note, notesSlice, openNotes } from '../consumer/consumer-test-bed.ts';
import { hashPieces, listRows } from '../consumer/answer-ranges.ts';
import { compileMapping, type CompiledTable } from '../consumer/mapping.ts';
import { createSqliteApplyStore } from '../consumer/sqlite-apply-store.ts';
import type { Source } from '../source/source.ts';
import type { ServiceCopy } from './copy.ts';
import { describeFinding } from './finding.ts';
import { differencesOf, type TableVerifyState, type VerifyState } from './verify-state.ts';
import { verifySlice, type VerifyOptions } from './verify-slice.ts';

const ROWS = 25;
const CHUNK = 10;

let folder: Awaited<ReturnType<typeof createFolder>>;
let knex: Knex;
let files = 0;
let sourceRows: Map<bigint, Row>;
/** A row's version, which every write raises. */
let versions: Map<bigint, number>;
/** Runs when the source, or the copy, is asked for rows. */
let onSourceRead: () => void;
let onCaughtUp: () => Promise<void>;
let waits: number;
let asked: PiecesRequest[];

beforeAll(async () => {
  folder = await createFolder();
});
afterAll(() => folder.remove());
beforeEach(async () => {
  files += 1;
  knex = await openNotes(folder.file(`${files}.sqlite`));
  sourceRows = new Map();
  versions = new Map();
  onSourceRead = () => undefined;
  onCaughtUp = () => Promise.resolve();
  waits = 0;
  asked = [];
  for (let id = 1n; id <= ROWS; id += 1n)
    sourceRows.set(id, note(id, { big: 2n ** 60n + id, tags: ['x'], done: true }));
  await write(...sourceRows.values());
});
afterEach(() => knex.destroy());

let table = ((): CompiledTable => {
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

/** Writes a row at the source, also when it is the same as before; null deletes it. */
function change(id: bigint, row: Row | null): void {
  versions.set(id, (versions.get(id) ?? 0) + 1);
  if (row) sourceRows.set(id, row);
  else sourceRows.delete(id);
}

const source: Pick<Source, 'readPage' | 'describeTables'> = {
  describeTables: (tables) =>
    Promise.resolve(tables.map((name) => ({ name, key: ['id'], columns: {}, estimatedRows: ROWS }))),
  readPage({ afterKey, toKey, limit, columns, key }) {
    onSourceRead();
    const after = afterKey?.[0] === undefined ? null : BigInt(afterKey[0]);
    const to = toKey?.[0] === undefined ? null : BigInt(toKey[0]);
    const ids = [...sourceRows.keys()]
      .sort((a, b) => (a < b ? -1 : 1))
      .filter((id) => (after === null || id > after) && (to === null || id <= to))
      .slice(0, limit);
    const seen = ids.map((id) => versions.get(id) ?? 0);
    return Promise.resolve({
      rows: ids.map((id) =>
        Object.fromEntries(columns.map((column) => [column, sourceRows.get(id)?.[column] ?? null])),
      ),
      keyAt: (index) => key.map(() => String(ids[index])),
      versionAt: (index) => String(seen[index]),
      isKeyTextShared: true,
      bytewise: [],
    });
  },
};

const caughtUp: CaughtUp = {
  async wait() {
    waits += 1;
    await onCaughtUp();
    return { position: '0/1' };
  },
};

async function run(changes: Partial<VerifyOptions> = {}): Promise<VerifyState> {
  const { ranges } = createSqliteApplyStore({ knex });
  const copy: ServiceCopy = {
    sync: () => Promise.resolve(syncReport),
    metTopics: refuse,
    pieces(request) {
      asked.push(request);
      return hashPieces(ranges, table, request);
    },
    rows: (request) => listRows(ranges, table, request),
  };
  const options = { source, copy, caughtUp, slice: notesSlice, pageRows: CHUNK, pieceRows: CHUNK };
  return await verifySlice({ ...options, signal: AbortSignal.timeout(10_000), ...changes });
}

/** Runs a verification and tells it shortly. */
async function verify(changes: Partial<VerifyOptions> = {}): Promise<object> {
  const { tables } = await run(changes);
  const sum = (of: 'rowsSource' | 'rowsTarget'): number => tables.reduce((all, each) => all + each[of], 0);
  return {
    rowsSource: sum('rowsSource'),
    rowsTarget: sum('rowsTarget'),
    differences: differencesOf(tables),
    examples: tables.flatMap(({ source: name, examples }) =>
      examples.map((finding) => describeFinding(name, finding)),
    ),
  };
}

const syncReport = {
  ...{ slice: 'notes', group: 'notes', state: 'running', error: null, startedAtMs: 1, nowMs: 1 },
  ...{ tables: [], lag: null, heartbeatAtMs: null },
} as const satisfies Partial<SyncReport> as unknown as SyncReport;

const same = { rowsSource: ROWS, rowsTarget: ROWS, differences: 0, examples: [] };

describe('a copy that is right', () => {
  test('has no difference; a page is a page of both sides, and the last range has no end', async () => {
    expect(await verify({ pieceRows: 5 })).toEqual(same);
    expect(asked.map(({ afterKey, pieces }) => [afterKey, ...pieces.map(({ toKey }) => toKey)])).toEqual([
      [null, ['5'], ['10']],
      [['10'], ['15'], ['20']],
      [['20'], null],
    ]);
    expect(waits).toBe(0);
  });

  test.each([
    [1, 1],
    [5, 2],
    [25, 25],
    [25, 4],
    [1_000, 10],
  ])('has none in pages of %i and pieces of %i', async (pageRows, pieceRows) => {
    expect(await verify({ pageRows, pieceRows })).toEqual(same);
  });

  test('of an empty table is empty', async () => {
    sourceRows.clear();
    await knex.raw('DELETE FROM note');
    expect(await verify()).toEqual({ ...same, rowsSource: 0, rowsTarget: 0 });
  });

  test('tells how far it has come, and goes on from there', async () => {
    const seen: TableVerifyState[] = [];
    await run({
      onProgress({ tables: [one] }) {
        if (one) seen.push(one);
      },
    });
    expect(seen.map(({ rowsSource, step }) => [rowsSource, step])).toEqual([
      [10, 'running'],
      [20, 'running'],
      [25, 'done'],
    ]);
    const resume: VerifyState = { tables: seen.slice(1, 2) };
    asked = [];
    expect(await verify({ resume })).toEqual(same);
    expect(asked.map(({ afterKey }) => afterKey)).toEqual([['20']]);
  });

  test('keeps what was found before an interruption', async () => {
    await knex.raw('DELETE FROM note WHERE note_id = 3');
    const interrupted = new AbortController();
    let kept: VerifyState | undefined;
    await expect(
      run({
        signal: interrupted.signal,
        onProgress(state) {
          kept = state;
          interrupted.abort(new Error('interrupted'));
        },
        source: {
          ...source,
          readPage(range, signal) {
            signal.throwIfAborted();
            return source.readPage(range, signal);
          },
        },
      }),
    ).rejects.toThrow('interrupted');
    expect(kept).toMatchObject({ tables: [{ step: 'running', missing: 1 }] });
    expect(await verify({ resume: kept ?? null })).toEqual({
      ...{ rowsSource: ROWS, rowsTarget: ROWS - 1, differences: 1 },
      examples: ['public.notes [3]: missing in the service'],
    });
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
    change(12n, null);
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
      examples: [`public.notes [${id}]: different in the service (${column})`],
    });
  });

  test('when a 64-bit integer is off by one', async () => {
    await knex.raw('UPDATE note SET big = big + 1 WHERE note_id = 7');
    expect(await verify()).toMatchObject({ examples: ['public.notes [7]: different in the service (big)'] });
  });

  test('in every row of an empty copy, with ten examples', async () => {
    await knex.raw('DELETE FROM note');
    const { tables } = await run();
    expect(tables).toMatchObject([{ rowsSource: ROWS, rowsTarget: 0, missing: ROWS }]);
    expect(tables[0]?.examples).toHaveLength(10);
  });

  test('in every row of a copy of an empty table, however many they are', async () => {
    sourceRows.clear();
    await write(...Array.from({ length: 4_100 }, (_, i) => note(100 + i)));
    expect((await run()).tables).toMatchObject([
      { rowsSource: 0, rowsTarget: 4_100 + ROWS, extra: 4_100 + ROWS },
    ]);
  });

  test('of each kind in one range that holds many rows too many', async () => {
    await write(...Array.from({ length: 4_100 }, (_, i) => note(100 + i)));
    await knex.raw("UPDATE note SET text = 'other' WHERE note_id = 21");
    await knex.raw('DELETE FROM note WHERE note_id IN (1, 22)');
    const { tables } = await run();
    expect(tables).toMatchObject([
      { rowsSource: ROWS, rowsTarget: ROWS - 2 + 4_100, missing: 2, extra: 4_100, different: 1 },
    ]);
  });

  test('with the fields that differ; personal ones are not told, long ones are cut', async () => {
    const [mapping] = notesSlice.tables;
    if (!mapping) throw new Error('no table');
    const slice = { ...notesSlice, tables: [{ ...mapping, personal: ['title'] }] };
    await knex.raw("UPDATE note SET headline = 'SECRET', text = ?, done = NULL WHERE note_id = 7", [
      'x'.repeat(100),
    ]);
    table = compileMapping(slice.tables[0] ?? mapping);
    const { tables } = await run({ slice });
    expect(tables[0]?.examples).toEqual([
      {
        ...{ kind: 'different', key: ['7'] },
        fields: [
          { column: 'headline', wanted: null, got: null, isHidden: true },
          { column: 'text', wanted: 'b7', got: `${'x'.repeat(60)}…`, isHidden: false },
          { column: 'done', wanted: '1', got: null, isHidden: false },
        ],
      },
    ]);
    expect(JSON.stringify(tables)).not.toMatch(/SECRET|T7/);
  });
});

describe('while the source is written to', () => {
  test('a copy that lags is no difference', async () => {
    change(5n, note(5n, { body: 'newer' }));
    change(30n, note(30n));
    change(25n, null);
    onCaughtUp = async () => {
      await write(note(5n, { body: 'newer' }), note(30n));
      await knex.raw('DELETE FROM note WHERE note_id = 25');
    };
    expect(await verify()).toEqual({ ...same, differences: 0 });
    expect(waits).toBeGreaterThan(0);
  });

  test('a copy that lags and is wrong is a difference', async () => {
    change(5n, note(5n, { body: 'newer' }));
    await knex.raw("UPDATE note SET text = 'wrong' WHERE note_id = 6");
    onCaughtUp = () => write(note(5n, { body: 'newer' }));
    expect(await verify()).toMatchObject({
      differences: 1,
      examples: ['public.notes [6]: different in the service (text)'],
    });
  });

  test('a row that changes during the second look is looked at again', async () => {
    change(5n, note(5n, { body: 'v1' }));
    let version = 1;
    onCaughtUp = async () => {
      await write(note(5n, { body: `v${version}` }));
      // The source moves on before it is read again, twice; then it rests.
      if (version < 3) change(5n, note(5n, { body: `v${(version += 1)}` }));
    };
    expect(await verify()).toEqual(same);
    expect(waits).toBe(3);
  });

  test('an update that the copy lost is found though the row goes on changing for a while', async () => {
    change(5n, note(5n, { body: 'v1' }));
    let version = 1;
    onSourceRead = () => {
      if (version < 4) change(5n, note(5n, { body: `v${(version += 1)}` }));
    };
    expect(await verify()).toMatchObject({
      examples: [expect.stringMatching(/^public.notes \[5\]: different in the service \(text/)],
    });
  });

  test('a row that never rests does not pass', async () => {
    let version = 0;
    onSourceRead = () => {
      version += 1;
      change(5n, note(5n, { body: `v${version}` }));
    };
    expect(await verify()).toMatchObject({
      differences: 1,
      examples: ['public.notes [5]: changes so often that it could not be compared'],
    });
  });

  test('a row that goes to and fro is not called different when both readings find it the same', async () => {
    // The copy holds B, rightly: the source goes A, B, A between its readings.
    change(5n, note(5n, { body: 'A' }));
    await write(note(5n, { body: 'B' }));
    let reads = 0;
    onSourceRead = () => {
      reads += 1;
      if (reads > 4) return;
      change(5n, note(5n, { body: 'B' }));
      change(5n, note(5n, { body: 'A' }));
    };
    onCaughtUp = () => (reads >= 4 ? write(sourceRows.get(5n) ?? note(5n)) : Promise.resolve());
    expect(await verify()).toEqual({ ...same, differences: 0 });
  });

  test('a row that comes and goes again is not called extra', async () => {
    change(12n, null);
    await knex.raw('DELETE FROM note WHERE note_id = 12');
    // Whoever looks at the copy first finds a row that the source has deleted since.
    await write(note(12n, { body: 'first' }));
    let looks = 0;
    onCaughtUp = async () => {
      looks += 1;
      if (looks === 1) await write(note(12n, { body: 'second' }));
      else await knex.raw('DELETE FROM note WHERE note_id = 12');
    };
    expect(await verify()).toMatchObject({ rowsSource: ROWS - 1, rowsTarget: ROWS - 1, differences: 0 });
  });
});

test('a key column with a transform is refused before anything is read', async () => {
  const [mapping] = notesSlice.tables;
  if (!mapping) throw new Error('no table');
  onSourceRead = refuse;
  const slice = { ...notesSlice, tables: [{ ...mapping, key: ['title'] }] };
  await expect(verify({ slice })).rejects.toMatchObject({
    code: 'verify-unsupported',
    message: expect.stringContaining('title of public.notes'),
  });
});

test('a source that sorts its keys otherwise than the service is refused', async () => {
  const unsorted = {
    ...source,
    readPage: async (...[range, signal]: Parameters<Source['readPage']>) => {
      const page = await source.readPage(range, signal);
      return { ...page, rows: page.rows.toReversed() };
    },
  };
  await expect(verify({ source: unsorted })).rejects.toThrow(
    /public.notes: the source and the service sort the key \(id\) differently/,
  );
});

test('a source that sorts its keys otherwise from one page to the next is refused', async () => {
  // Each page by itself is in order: 11 to 25 come before 1 to 10.
  const turned = {
    ...source,
    async readPage(...[range, signal]: Parameters<Source['readPage']>) {
      const after = range.afterKey?.[0];
      const from = after === undefined ? '10' : after === '25' ? '0' : after;
      return await source.readPage({ ...range, afterKey: [from] }, signal);
    },
  };
  await expect(verify({ source: turned, pageRows: 15 })).rejects.toMatchObject({
    code: 'verify-unsupported',
  });
});
