import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as pieces from '../../../../migrations/bus/0004-pieces.ts';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { record, start, takeAll } from '../../../testing/beds/bus-test-bed.ts';
import type { EmbeddedBus } from '../retention/kept-bus.ts';
import { LongText } from '../../rows/long-text.ts';
import { openSqliteBus } from './sqlite-bus.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-long-values-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function openNew(): Promise<{ file: string; bus: EmbeddedBus }> {
  files += 1;
  const file = join(folder, `${files}.sqlite`);
  return { file, bus: await openSqliteBus({ file }) };
}

/** Somewhat over two million code units, with characters of one to four bytes, and of two units at odd and even places. */
function long(mark: string, shift = 0): string {
  return JSON.stringify(`${mark}${'x'.repeat(shift)}${'a"\\\né€😀😀'.repeat(240_000)}`);
}

async function countPieces(file: string): Promise<number> {
  const knex = await openSqliteFile({ file, mode: 'read' });
  try {
    const [row] = await knex.raw<{ n: number }[]>('SELECT count(*) AS n FROM record_piece');
    return Number(row?.n);
  } finally {
    await knex.destroy();
  }
}

test('long values come as they are, in their order among short ones, with their size', async () => {
  const { bus } = await openNew();
  const values = [long('a'), '{"n":1}', null, long('b', 1), long('c', 2), '""'];
  await bus.append(values.map((value) => ({ ...record('t', 1), value })));
  const taken = await takeAll(bus, 't');
  expect(taken.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(taken.every(({ value }, i) => value === values[i])).toBe(true); // nobody wants to see the difference
  const read = await bus.read(start('t', 3), 2);
  expect(read.map(({ value }) => value?.length)).toEqual([values[3]?.length, values[4]?.length]);
  const [topic] = await bus.topics();
  const sizeOf = (text: string | null): number => Buffer.byteLength(text ?? '');
  const heads = taken.reduce(
    (sum, { key, headers }) => sum + sizeOf(key) + sizeOf(JSON.stringify(headers)),
    0,
  );
  expect(topic?.bytes).toBe(heads + values.reduce((sum, value) => sum + sizeOf(value), 0));
  await bus.close();
});

test('a long value comes alone where it is larger than a batch may be', async () => {
  const { bus } = await openNew();
  await bus.append(['"a"', long('b'), '"c"', '"d"'].map((value) => ({ ...record('t', 1), value })));
  const batches: number[][] = [];
  const done = new AbortController();
  await bus.consume({
    from: [start('t')],
    maxBatchBytes: 1_000_000,
    signal: done.signal,
    onBatch(records) {
      batches.push(records.map(({ offset }) => offset));
      if (records.at(-1)?.offset === 3) done.abort();
      return Promise.resolve();
    },
  });
  expect(batches).toEqual([[0], [1], [2, 3]]);
  await bus.close();
});

test('pieces go with their record, and no others', async () => {
  const { file, bus } = await openNew();
  await bus.append([long('a'), '"short"', long('b')].map((value) => ({ ...record('t', 1), value })));
  await bus.append([long('c'), long('d')].map((value) => ({ ...record('u', 1), value })));
  const all = await countPieces(file);
  expect(await bus.deleteStep({ topic: 't', before: 2, unreadToo: true })).toBeGreaterThan(0);
  await bus.deleteStep({ topic: 't', before: 2, unreadToo: true });
  expect(await countPieces(file)).toBeLessThan(all);
  expect((await bus.read(start('t', 2), 1))[0]?.value === long('b')).toBe(true);
  expect(await bus.deleteRecords('u', [0])).toBe(1);
  expect((await bus.read(start('u', 0), 9)).map(({ offset }) => offset)).toEqual([1]);
  await bus.deleteStep({ topic: 't', before: 3, unreadToo: true });
  await bus.deleteStep({ topic: 'u', before: 2, unreadToo: true });
  expect(await countPieces(file)).toBe(0);
  await bus.close();
});

test('an append that fails after a long value stores nothing of it', async () => {
  const { file, bus } = await openNew();
  const bad = { ...record('t', 1), key: {} as unknown as string, value: 7 as unknown as string };
  await expect(bus.append([{ ...record('t', 1), value: long('a') }, bad])).rejects.toThrow();
  expect(await bus.ends(['t'])).toMatchObject([{ nextOffset: 0 }]);
  expect(await countPieces(file)).toBe(0);
  await bus.close();
});

test("the source's long texts are stored piece by piece, with the position", async () => {
  const { bus } = await openNew();
  const { epoch } = await bus.takeOver('slot', { systemId: '7', timeline: 1, lsn: 10n });
  const text = `a"\\\né€😀`.repeat(300_000);
  const value = new LongText(['{"a":', { quoted: text }, ',"b":1}']);
  await bus.appendAt([{ ...record('t', 1), value }], { source: 'slot', epoch, expectedLsn: 10n, lsn: 20n });
  const [taken] = await takeAll(bus, 't');
  expect(taken?.value === JSON.stringify({ a: text, b: 1 })).toBe(true);
  await bus.close();
});

test('one version back the values are whole again', async () => {
  const { file, bus } = await openNew();
  await bus.append([long('a'), '"short"', null].map((value) => ({ ...record('t', 1), value })));
  await bus.close();
  const knex = await openSqliteFile({ file });
  try {
    await pieces.down(knex);
    const rows = await knex.raw<{ value: string | null }[]>('SELECT value FROM record ORDER BY id');
    expect(rows.map(({ value }) => value === long('a') || value)).toEqual([true, '"short"', null]);
  } finally {
    await knex.destroy();
  }
});
