import { expect, test } from '@jest/globals';
import { Backoff } from './backoff.ts';

const pauses = (backoff: Backoff, count: number): number[] =>
  Array.from({ length: count }, () => backoff.nextMs());

test('the limit of a pause doubles up to the last one, and begins anew after a success', () => {
  const backoff = new Backoff({ firstMs: 100, lastMs: 500, random: () => 1 });
  expect(pauses(backoff, 5)).toEqual([100, 200, 400, 500, 500]);
  backoff.reset();
  expect(pauses(backoff, 2)).toEqual([100, 200]);
});

test('the limit of the next pause is told before it, and whether anything failed', () => {
  const backoff = new Backoff({ firstMs: 100, lastMs: 100, random: () => 0 });
  expect([backoff.limitMs, backoff.isFresh]).toEqual([100, true]);
  expect(pauses(backoff, 2_000).at(-1)).toBe(0); // as long as an outage may be
  expect([backoff.limitMs, backoff.isFresh]).toEqual([100, false]);
  backoff.reset();
  expect([backoff.limitMs, backoff.isFresh]).toEqual([100, true]);
});

test('a pause is anywhere between nothing and its limit', () => {
  const chances = [0, 0.25, 0.999];
  const backoff = new Backoff({ firstMs: 100, lastMs: 400, random: () => chances.shift() ?? 1 });
  expect(pauses(backoff, 3)).toEqual([0, 50, expect.closeTo(399.6)]);
});

test('a wait ends with its signal, which is told', async () => {
  const stop = new AbortController();
  const backoff = new Backoff({ firstMs: 60_000, lastMs: 60_000, random: () => 1 });
  const waiting = backoff.wait(stop.signal);
  stop.abort();
  expect(await waiting).toBe(false);
  expect(await backoff.wait(stop.signal)).toBe(false);
});

test('a wait of nothing is over, and the next try may begin', async () => {
  const backoff = new Backoff({ firstMs: 1, lastMs: 1, random: () => 0 });
  expect(await backoff.wait(new AbortController().signal)).toBe(true);
});
