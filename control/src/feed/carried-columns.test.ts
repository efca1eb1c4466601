/** What may leave the database is said at the start, and again when a slice begins to copy. */
import { afterEach, expect, test } from '@jest/globals';
import type { SliceDefinition } from '@banyan/contracts';
import { createFakeFeed, createTestSlice } from '../../testing/fake-feed.ts';
import { createManualClock } from '../../testing/manual-clock.ts';
import { startTestControl, type TestControl } from '../../testing/test-control.ts';

const open: TestControl[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

/** Maps these columns of public.reviews. */
function sliceOf(name: string, columns: readonly string[]): SliceDefinition {
  const slice = createTestSlice(name);
  const mapped = Object.fromEntries(columns.map((column) => [column, `${name}_${column}`]));
  return {
    ...slice,
    tables: slice.tables.map((table) => ({ ...table, kind: 'reference', columns: mapped })),
  };
}

const slices = [sliceOf('reviews', ['id', 'title']), sliceOf('search', ['id', 'body'])];
const union = [{ name: 'public.reviews', columns: ['id', 'title', 'body'] }];

test('the columns of all slices, whatever their phase, and of the outbox; once, as soon as the source can be asked', async () => {
  const clock = createManualClock();
  const feed = createFakeFeed(clock);
  const t = await startTestControl({ clock, feed, slices, outboxTable: 'public.outbox' });
  open.push(t);
  feed.broken.source = 'the database is down';
  await t.control.tick();
  expect(feed.carriedOnly).toEqual([]);
  feed.broken.source = null;
  await t.control.tick();
  const outbox = { name: 'public.outbox', columns: ['id', 'aggregatetype', 'aggregateid', 'payload'] };
  expect(feed.carriedOnly).toEqual([...union, outbox]);
  expect(feed.carried).toContainEqual(outbox);
  // Another control plane, of another configuration, is not fought with.
  feed.carriedOnly = [];
  await t.control.tick();
  expect(feed.carriedOnly).toEqual([]);
});

test('a slice that begins to copy asks for what the other slices map of its tables as well', async () => {
  const others = [sliceOf('search', ['id', 'body']), createTestSlice('other', 'public.other')];
  const t = await startTestControl({ slices: [createTestSlice(), ...others] });
  open.push(t);
  await t.verb('advance');
  await t.tickUntil(() => t.feed.calls.some((call) => call.startsWith('requestTableSnapshot')));
  expect(t.feed.carried).toEqual([{ name: 'public.reviews', columns: ['id', 'body'] }]);
});
