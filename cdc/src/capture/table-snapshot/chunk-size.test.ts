import { expect, test } from '@jest/globals';
import { ChunkSize } from './chunk-size.ts';

const limits = { maxRows: 1_000, storeTargetMs: 200 };

test('starts small, since nobody knows how wide the rows are, and doubles while chunks are stored quickly', () => {
  const size = new ChunkSize(limits);
  const seen: number[] = [];
  for (let chunk = 0; chunk < 6; chunk += 1) {
    seen.push(size.rows);
    size.stored(size.rows, 10);
  }
  expect(seen).toEqual([64, 128, 256, 512, 1_000, 1_000]);
});

test('halves once for each change of load, down to a least size', () => {
  const size = new ChunkSize(limits);
  for (let chunk = 0; chunk < 6; chunk += 1) size.stored(size.rows, 10);
  size.stored(1_000, 201);
  size.stored(1_000, 500); // was under way with the one before, of the same size
  expect(size.rows).toBe(500);
  size.stored(500, 150);
  expect(size.rows).toBe(500);
  for (let chunk = 0; chunk < 20; chunk += 1) size.stored(size.rows, 5_000);
  expect(size.rows).toBe(16);
});

test('keeps a chunk of wide rows in a few megabytes', () => {
  const size = new ChunkSize(limits);
  size.read(64, 64 * 1024 * 1024);
  expect(size.rows).toBe(4);
  size.read(4, 4 * 1_000);
  expect(size.rows).toBe(64);
});

test('never goes above the most rows that were asked for', () => {
  expect(new ChunkSize({ maxRows: 5, storeTargetMs: 200 }).rows).toBe(5);
});
