import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initialState, type SliceState } from './slices/domain/slice-state.ts';
import { EpochConflictError, type SliceStore, type Step } from './slices/store/slice-store.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import { openSqliteStore } from './open-store.ts';

let folder: string;
const stores: SliceStore[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-control-'));
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await rm(folder, { recursive: true });
});

async function openFile(): Promise<SliceStore> {
  const store = await openSqliteStore({ file: join(folder, 'control.sqlite') });
  stores.push(store);
  return store;
}

const monolith = initialState('reviews');
const syncing: SliceState = {
  name: 'reviews',
  epoch: 1,
  salt: 'reviews',
  rolledBack: false,
  paused: null,
  phase: 'syncing',
  copy: {
    step: 'complete',
    startedAtMs: 1,
    feed: { incarnation: 1, beganAtMs: 1, membership: null },
    snapshotId: 's1',
    copiedAtMs: 2,
    verification: { finishedAtMs: 3, rowsSource: 2, rowsTarget: 1, differences: 1, examples: ['a'] },
  },
};

function step(expectedEpoch: number, next: SliceState): Step {
  const evidence = [{ gate: 'lag', verdict: 'pass', wanted: 'x', got: 'y', remedy: null }] as const;
  const entry = { by: 'ann', verb: 'advance', from: 'monolith', to: next.phase, reason: null, evidence };
  return { expectedEpoch, next, entry, atMs: 1_700_000_000_123 };
}

describe.each<[string, () => Promise<SliceStore>]>([
  ['SQLite', openFile],
  ['memory', () => Promise.resolve(createMemoryStore())],
])('a store in %s', (_kind, openStore) => {
  test('keeps state, journal and version of a step', async () => {
    const store = await openStore();
    expect(await store.read()).toEqual({ version: 0, slices: [] });
    await store.open([monolith], 1);
    const before = await store.read();
    expect(before.slices).toEqual([monolith]);
    const id = await store.commit(step(0, syncing));
    expect(await store.read()).toEqual({ version: before.version + 1, slices: [syncing] });
    expect(await store.journal({ limit: 10 })).toEqual([
      {
        id,
        atMs: 1_700_000_000_123,
        slice: 'reviews',
        by: 'ann',
        verb: 'advance',
        reason: null,
        from: 'monolith',
        to: 'syncing',
        epoch: 1,
        evidence: step(0, syncing).entry.evidence,
      },
    ]);
  });

  test('refuses a step that was decided on an older epoch, and changes nothing', async () => {
    const store = await openStore();
    await store.open([monolith], 1);
    await store.commit(step(0, syncing));
    const before = await store.read();
    await expect(store.commit(step(0, { ...monolith, epoch: 1 }))).rejects.toThrow(EpochConflictError);
    expect(await store.read()).toEqual(before);
    expect(await store.journal({ limit: 10 })).toHaveLength(1);
  });

  test('opens again without touching slices, with a higher version', async () => {
    const store = await openStore();
    await store.open([monolith], 1);
    await store.commit(step(0, syncing));
    const { version } = await store.read();
    await store.open([monolith, initialState('carts')], 2);
    const after = await store.read();
    expect(after.slices).toEqual([initialState('carts'), syncing]);
    expect(after.version).toBeGreaterThan(version);
  });

  test('pages the journal', async () => {
    const store = await openStore();
    await store.open([monolith, initialState('carts')], 1);
    for (let epoch = 0; epoch < 5; epoch += 1) {
      await store.commit(step(epoch, { ...monolith, epoch: epoch + 1 }));
    }
    await store.commit(step(0, { ...initialState('carts'), epoch: 1 }));
    const ids = async (query: Parameters<SliceStore['journal']>[0]): Promise<number[]> =>
      (await store.journal(query)).map(({ id }) => id);
    expect(await ids({ limit: 2 })).toEqual([5, 6]);
    expect(await ids({ afterId: 1, limit: 2 })).toEqual([2, 3]);
    expect(await ids({ slice: 'carts', limit: 10 })).toEqual([6]);
  });
});

test('two control planes on one file: of steps made at the same time from one epoch, one wins', async () => {
  const [first, second] = await Promise.all([openFile(), openFile()]);
  await first.open([monolith], 1);
  for (let epoch = 0; epoch < 20; epoch += 1) {
    const next = { ...monolith, epoch: epoch + 1 };
    const results = await Promise.allSettled([
      first.commit(step(epoch, next)),
      second.commit(step(epoch, next)),
    ]);
    const lost = results.flatMap((result): unknown[] =>
      result.status === 'rejected' ? [result.reason] : [],
    );
    expect(lost).toEqual([expect.any(EpochConflictError)]);
  }
  expect((await second.journal({ limit: 100 })).map(({ epoch }) => epoch)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
});

test('a state in a form that is not known is refused, not guessed at', async () => {
  const store = await openFile();
  await store.open([{ ...monolith, phase: 'extracted' } as unknown as SliceState], 1);
  await expect(store.read()).rejects.toThrow('phase');
});
