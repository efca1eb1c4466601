import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { note, notesSlice } from '../../testing/beds/consumer-test-bed.ts';
import { compileMapping } from '../rows/mapping.ts';
import type { PostgresSource } from '../capture/feed/postgres-source.ts';
import { createNotesBed, ROWS, same, type NotesBed } from '../../testing/beds/notes-test-bed.ts';
import type { TableVerifyState, VerifyState } from './verify-state.ts';

let bed: NotesBed;
beforeEach(async () => {
  bed = await createNotesBed();
});
afterEach(() => bed.close());

describe('a copy that is right', () => {
  test('has no difference; a page is a page of both sides, and the last range has no end', async () => {
    expect(await bed.verify({ pieceRows: 5 })).toEqual(same);
    expect(bed.asked.map(({ afterKey, pieces }) => [afterKey, ...pieces.map(({ toKey }) => toKey)])).toEqual([
      [null, ['5'], ['10']],
      [['10'], ['15'], ['20']],
      [['20'], null],
    ]);
    expect(bed.waits).toBe(0);
  });

  test.each([
    [1, 1],
    [5, 2],
    [25, 25],
    [25, 4],
    [1_000, 10],
  ])('has none in pages of %i and pieces of %i', async (pageRows, pieceRows) => {
    expect(await bed.verify({ pageRows, pieceRows })).toEqual(same);
  });

  test('of an empty table is empty', async () => {
    bed.sourceRows.clear();
    await bed.knex.raw('DELETE FROM note');
    expect(await bed.verify()).toEqual({ ...same, rowsSource: 0, rowsTarget: 0 });
  });

  test('tells how far it has come, and goes on from there', async () => {
    const seen: TableVerifyState[] = [];
    await bed.run({
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
    bed.asked = [];
    expect(await bed.verify({ resume })).toEqual(same);
    expect(bed.asked.map(({ afterKey }) => afterKey)).toEqual([['20']]);
  });

  test('keeps what was found before an interruption', async () => {
    await bed.knex.raw('DELETE FROM note WHERE note_id = 3');
    const interrupted = new AbortController();
    let kept: VerifyState | undefined;
    await expect(
      bed.run({
        signal: interrupted.signal,
        onProgress(state) {
          kept = state;
          interrupted.abort(new Error('interrupted'));
        },
        source: {
          ...bed.source,
          readPage(range, signal) {
            signal.throwIfAborted();
            return bed.source.readPage(range, signal);
          },
        },
      }),
    ).rejects.toThrow('interrupted');
    expect(kept).toMatchObject({ tables: [{ step: 'running', missing: 1 }] });
    expect(await bed.verify({ resume: kept ?? null })).toEqual({
      rowsSource: ROWS,
      rowsTarget: ROWS - 1,
      differences: 1,
      examples: ['public.notes [3]: missing in the service'],
    });
  });
});

describe('a difference is found', () => {
  test.each([1, 10, 11, 13, 25])('when row %i is missing', async (id) => {
    await bed.knex.raw('DELETE FROM note WHERE note_id = ?', [id]);
    expect(await bed.verify()).toMatchObject({
      rowsTarget: ROWS - 1,
      differences: 1,
      examples: [`public.notes [${id}]: missing in the service`],
    });
  });

  test.each([-5, 0, 26, 2_000])('when the service has a row %i that the source has not', async (id) => {
    await bed.write(note(id));
    expect(await bed.verify()).toMatchObject({
      rowsTarget: ROWS + 1,
      differences: 1,
      examples: [`public.notes [${id}]: only in the service`],
    });
  });

  test('when the source has lost a row in the middle', async () => {
    bed.change(12n, null);
    expect(await bed.verify()).toMatchObject({ examples: ['public.notes [12]: only in the service'] });
  });

  test.each([
    [1, 'text', 'other'],
    [10, 'big', null],
    [13, 'done', 0],
    [25, 'tags', '["y"]'],
  ])('when row %i has another %s', async (id, column, value) => {
    await bed.knex.raw(`UPDATE note SET ${column} = ? WHERE note_id = ?`, [value, id]);
    expect(await bed.verify()).toMatchObject({
      differences: 1,
      examples: [`public.notes [${id}]: different in the service (${column})`],
    });
  });

  test('when a 64-bit integer is off by one', async () => {
    await bed.knex.raw('UPDATE note SET big = big + 1 WHERE note_id = 7');
    expect(await bed.verify()).toMatchObject({
      examples: ['public.notes [7]: different in the service (big)'],
    });
  });

  test('in every row of an empty copy, with ten examples', async () => {
    await bed.knex.raw('DELETE FROM note');
    const { tables } = await bed.run();
    expect(tables).toMatchObject([{ rowsSource: ROWS, rowsTarget: 0, missing: ROWS }]);
    expect(tables[0]?.examples).toHaveLength(10);
  });

  test('in every row of a copy of an empty table, however many they are', async () => {
    bed.sourceRows.clear();
    await bed.write(...Array.from({ length: 4_100 }, (_, i) => note(100 + i)));
    expect((await bed.run()).tables).toMatchObject([
      { rowsSource: 0, rowsTarget: 4_100 + ROWS, extra: 4_100 + ROWS },
    ]);
  });

  test('of each kind in one range that holds many rows too many', async () => {
    await bed.write(...Array.from({ length: 4_100 }, (_, i) => note(100 + i)));
    await bed.knex.raw("UPDATE note SET text = 'other' WHERE note_id = 21");
    await bed.knex.raw('DELETE FROM note WHERE note_id IN (1, 22)');
    const { tables } = await bed.run();
    expect(tables).toMatchObject([
      { rowsSource: ROWS, rowsTarget: ROWS - 2 + 4_100, missing: 2, extra: 4_100, different: 1 },
    ]);
  });

  test('with the fields that differ; personal ones are not told, long ones are cut', async () => {
    const [mapping] = notesSlice.tables;
    if (!mapping) throw new Error('no table');
    const slice = { ...notesSlice, tables: [{ ...mapping, personal: ['title'] }] };
    await bed.knex.raw("UPDATE note SET headline = 'SECRET', text = ?, done = NULL WHERE note_id = 7", [
      'x'.repeat(100),
    ]);
    bed.table = compileMapping(slice.tables[0] ?? mapping);
    const { tables } = await bed.run({ slice });
    expect(tables[0]?.examples).toEqual([
      {
        kind: 'different',
        key: ['7'],
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

test('a key column with a transform is refused before anything is read', async () => {
  const [mapping] = notesSlice.tables;
  if (!mapping) throw new Error('no table');
  bed.onSourceRead = () => {
    throw new Error('it was read');
  };
  const slice = { ...notesSlice, tables: [{ ...mapping, key: ['title'] }] };
  await expect(bed.verify({ slice })).rejects.toMatchObject({
    code: 'verify-unsupported',
    message: expect.stringContaining('title of public.notes'),
  });
});

test('a source that sorts its keys otherwise than the service is refused', async () => {
  const unsorted = {
    ...bed.source,
    readPage: async (...[range, signal]: Parameters<PostgresSource['readPage']>) => {
      const page = await bed.source.readPage(range, signal);
      return { ...page, rows: page.rows.toReversed() };
    },
  };
  await expect(bed.verify({ source: unsorted })).rejects.toThrow(
    /public.notes: the source and the service sort the key \(id\) differently/,
  );
});

test('a source that sorts its keys otherwise from one page to the next is refused', async () => {
  // Each page by itself is in order: 11 to 25 come before 1 to 10.
  const turned = {
    ...bed.source,
    async readPage(...[range, signal]: Parameters<PostgresSource['readPage']>) {
      const after = range.afterKey?.[0];
      const from = after === undefined ? '10' : after === '25' ? '0' : after;
      return await bed.source.readPage({ ...range, afterKey: [from] }, signal);
    },
  };
  await expect(bed.verify({ source: turned, pageRows: 15 })).rejects.toMatchObject({
    code: 'verify-unsupported',
  });
});
