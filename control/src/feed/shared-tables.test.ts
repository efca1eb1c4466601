/** Two slices that have a table in common: one copies the reviews that the other owns. */
import { afterEach, expect, test } from '@jest/globals';
import type { SliceDefinition, SliceStatus } from '@banyan/contracts';
import { createTestSlice } from '../../testing/fake-feed.ts';
import { startTestControl, type TestControl } from '../../testing/test-control.ts';

let t: TestControl;
afterEach(() => t.close());

/** Copies `public.reviews` without owning it, and a table of its own. */
function searchSlice(): SliceDefinition {
  const { tables } = createTestSlice();
  return {
    ...createTestSlice('search', 'public.search'),
    tables: [
      ...tables.map((table) => ({ ...table, kind: 'reference' as const })),
      { ...tables[0], source: 'public.words', target: 'review_words' },
    ] as SliceDefinition['tables'],
  };
}

async function start(): Promise<void> {
  t = await startTestControl({ slices: [createTestSlice(), searchSlice()] });
  const [table] = t.feed.storeReport.tables;
  if (table) t.feed.storeReport = { kind: 'sqlite', tables: [table, { ...table, name: 'review_words' }] };
}

const search = async (): Promise<SliceStatus> => (await t.get<SliceStatus>('/v1/slices/search')).body;
const ask = async (verb: string, body: object = {}): Promise<void> => {
  const { status } = await t.post(`/v1/slices/search/${verb}`, { by: 'tester', ...body });
  expect(status).toBe(200);
};
const asked = (): string[] => t.feed.calls.filter((call) => call.startsWith('requestTableSnapshot'));
/** What was said on topics to copies, as `filled reviews public.reviews`. */
const said = (): string[] =>
  t.feed.appended.flatMap(({ topic, key, headers }) => {
    const kind = /^\{"banyan":"(\w+)"\}$/.exec(key ?? '')?.[1] ?? '';
    return ['reset', 'filled'].includes(kind)
      ? [`${kind} ${headers['slice']} ${topic.slice('shop.'.length)}`]
      : [];
  });

test('a second slice copies a table that another one has, whose copy serves on and is told to pass the rows over', async () => {
  await start();
  await t.toSyncedCopy();
  await t.verb('advance');
  expect(said()).toEqual(['reset reviews public.reviews']);

  await ask('advance');
  await t.tickUntil(() => asked().length === 2);
  expect(said().slice(1)).toEqual([
    'filled reviews public.reviews',
    'reset search public.reviews',
    'reset search public.words',
  ]);
  t.feed.completeSnapshot();
  await t.tickUntil(async () => (await search()).verification !== null);
  await ask('advance');
  expect([(await t.slice()).phase, (await search()).phase]).toEqual(['canary', 'canary']);

  // One is resynced while the other serves.
  await t.verb('resync', { reason: 'store restored' });
  await t.tickUntil(() => asked().length === 3);
  expect(said().slice(4)).toEqual(['filled search public.reviews', 'reset reviews public.reviews']);
  expect((await search()).phase).toBe('canary');
});

test('one table snapshot follows another, and the slice that waits says for whom', async () => {
  await start();
  await t.verb('advance');
  await t.tickUntil(() => asked().length === 1);
  await ask('advance');
  for (let ticks = 0; ticks < 3; ticks += 1) await t.control.tick();
  expect(asked()).toHaveLength(1);
  expect((await search()).activity).toBe('waiting: the table snapshot of the slice reviews comes first');
  // Its table snapshot is over; that the service has still to apply it keeps nobody waiting.
  t.feed.completeSnapshot();
  t.feed.broken.caughtUp = 'the service did not meet the barrier';
  await t.tickUntil(() => asked().length === 2);
  t.feed.broken.caughtUp = null;
  // The newer table snapshot of the same table does not hide that the older one was complete.
  await t.tickUntil(async () => (await t.slice()).inSync);
  expect((await search()).phase).toBe('syncing');
});

test('a rollback while the other is copying neither stops its table snapshot nor takes its tables away', async () => {
  await start();
  await t.toSyncedCopy();
  await ask('advance');
  await t.tickUntil(() => asked().length === 2);
  await t.verb('rollback', { reason: 'not today' });
  await t.tickUntil(async () => (await t.journal()).at(-1)?.reason === 'tables taken out of the feed');
  expect(t.feed.calls.filter((call) => call.startsWith('removeTables'))).toEqual([]);
  expect(t.feed.calls).toContain('release reviews');
  t.feed.completeSnapshot();
  await t.tickUntil(async () => (await search()).inSync);
  // The last one that needs it takes it out.
  await ask('rollback', { reason: 'nor tomorrow' });
  await t.tickUntil(() => t.feed.calls.includes('removeTables public.reviews,public.words'));
});

test('a slice that is rolled back while it copies shared tables has its table snapshot stopped', async () => {
  await start();
  await t.toSyncedCopy();
  await ask('advance');
  await t.tickUntil(() => asked().length === 2);
  t.feed.calls.length = 0;
  await ask('rollback', { reason: 'not today' });
  await t.tickUntil(() => t.feed.calls.includes('release search'));
  expect(t.feed.calls.filter((call) => /^(stop|remove)/.test(call))).toEqual([
    'stopTableSnapshots public.reviews,public.words',
    'removeTables public.words',
  ]);
});
