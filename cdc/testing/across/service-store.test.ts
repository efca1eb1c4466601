import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { listen, silentLogger, type Listening } from '@banyan/kit';
import express from 'express';
import type { Knex } from 'knex';
import { createMemoryBus } from '../beds/memory-bus.ts';
import { createHttpServiceCopy } from '../../src/verify/service-client/http-service-copy.ts';
import { createFolder, note, notesSlice, openNotes, rowRecord, until } from '../beds/consumer-test-bed.ts';
import { startConsumer, type Consumer } from '../../src/apply/consumer.ts';
import { createSqliteApplyStore } from '../../src/apply/stores/sqlite/sqlite-apply-store.ts';
import { syncRoutes } from '../../src/apply/http/sync-routes.ts';

const signal = AbortSignal.timeout(300_000);
const queue = { table: 'public.notes', key: ['1'] };
let folder: Awaited<ReturnType<typeof createFolder>>;
let knex: Knex;
let consumer: Consumer;
let server: Listening;

beforeAll(async () => {
  folder = await createFolder();
  knex = await openNotes(folder.file('store.sqlite'));
  const store = createSqliteApplyStore({ knex });
  const bus = createMemoryBus();
  const about = { slice: notesSlice, group: 'notes', prefix: 'shop', logger: silentLogger };
  consumer = await startConsumer({ ...about, bus, store });
  server = await listen(express().use(syncRoutes({ consumer, store, peerToken: 'right' })), { port: 0 });
  await bus.append([rowRecord('c', note(1, { body: null }))]);
  await until(() => consumer.report().tables[0]?.quarantined === 1);
});
afterAll(async () => {
  await server.close();
  await consumer.close();
  await knex.destroy();
  await folder.remove();
});

test('a service tells of the tables that its slice maps, and of no others', async () => {
  const copy = createHttpServiceCopy({ url: server.url, peerToken: 'right' });
  expect(await copy.store(signal)).toMatchObject({
    kind: 'sqlite',
    tables: [{ name: 'note', uniqueKeys: expect.arrayContaining([['note_id'], ['headline']]) }],
  });
});

test('a service tells what it holds, and tries it when it is told to', async () => {
  const copy = createHttpServiceCopy({ url: server.url, peerToken: 'right' });
  expect(await copy.quarantine(5, signal)).toMatchObject({ records: 1, queues: [{ ...queue, waiting: 0 }] });
  expect(await copy.heldKey(queue, signal)).toEqual({ records: 1 });
  expect(await copy.heldKey({ ...queue, key: ['9'] }, signal)).toEqual({ records: 0 });
  expect(await copy.retryHeld({ queue, dryRun: true }, signal)).toMatchObject({ applied: 0, refused: 1 });
});

test('each of these wants the peer token, and says what is wrong with a request', async () => {
  const stranger = createHttpServiceCopy({ url: server.url, peerToken: 'wrong' });
  for (const answer of [
    stranger.store(signal),
    stranger.quarantine(5, signal),
    stranger.retryHeld({ queue: null, dryRun: false }, signal),
    stranger.heldKey(queue, signal),
  ]) {
    await expect(answer).rejects.toThrow(/answered 401$/);
  }
  const copy = createHttpServiceCopy({ url: server.url, peerToken: 'right' });
  await expect(copy.quarantine(0, signal)).rejects.toThrow(/answered 400$/);
  await expect(copy.heldKey({ table: '', key: [] }, signal)).rejects.toThrow(/answered 400$/);
});
