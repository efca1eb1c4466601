import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { controlRecordKey } from '@banyan/contracts';
import { listen, silentLogger, type Listening } from '@banyan/kit';
import express from 'express';
import type { Knex } from 'knex';
import { createMemoryBus } from '../beds/memory-bus.ts';
import { createHttpServiceCopy } from '../../src/verify/service-client/http-service-copy.ts';
import {
  createFolder,
  note,
  notesSlice,
  notesTopic,
  openNotes,
  rowRecord,
  until,
} from '../beds/consumer-test-bed.ts';
import { startConsumer, type Consumer } from '../../src/apply/consumer.ts';
import { createSqliteApplyStore } from '../../src/apply/stores/sqlite/sqlite-apply-store.ts';
import { syncRoutes } from '../../src/apply/http/sync-routes.ts';

const signal = AbortSignal.timeout(300_000);
const all = { table: 'note', afterKey: null, toKey: null, limit: 10, fieldsOf: [] };
let folder: Awaited<ReturnType<typeof createFolder>>;
let knex: Knex;
let consumer: Consumer;
let server: Listening;

beforeAll(async () => {
  folder = await createFolder();
  knex = await openNotes(folder.file('store.sqlite'));
  const store = createSqliteApplyStore({ knex });
  const bus = createMemoryBus();
  consumer = await startConsumer({
    slice: notesSlice,
    group: 'notes',
    bus,
    store,
    prefix: 'shop',
    logger: silentLogger,
  });
  server = await listen(express().use(syncRoutes({ consumer, store, peerToken: 'right' })), { port: 0 });
  await bus.append([
    rowRecord('c', note(1)),
    { topic: notesTopic, key: controlRecordKey('barrier'), headers: { id: 'a/b c' }, value: null },
  ]);
});
afterAll(async () => {
  await server.close();
  await consumer.close();
  await knex.destroy();
  await folder.remove();
});

describe('a service asked about its copy', () => {
  test('tells how it stands, which barriers it met, and what it holds', async () => {
    const copy = createHttpServiceCopy({ url: server.url, peerToken: 'right' });
    await until(async () => (await copy.metTopics('a/b c', signal)).length === 1);
    expect(await copy.metTopics('a/b c', signal)).toEqual([notesTopic]);
    expect(await copy.sync(signal)).toMatchObject({ slice: 'notes', tables: [{ appliedRows: 1 }] });
    const pieces = [
      { toKey: ['0'], maxRows: 5 },
      { toKey: null, maxRows: 5 },
    ];
    const report = await copy.pieces({ table: 'note', afterKey: null, pieces }, signal);
    expect(report.pieces.map(({ rows }) => rows)).toEqual([0, 1]);
    expect(await copy.rows(all, signal)).toMatchObject({ rows: [{ key: ['1'] }], isWhole: true });
  });

  test('wants the peer token everywhere', async () => {
    const copy = createHttpServiceCopy({ url: server.url, peerToken: 'wrong' });
    for (const answer of [
      copy.sync(signal),
      copy.metTopics('b', signal),
      copy.pieces({ table: 'note', afterKey: null, pieces: [{ toKey: null, maxRows: 1 }] }, signal),
      copy.rows(all, signal),
    ]) {
      await expect(answer).rejects.toMatchObject({
        code: 'service-refused',
        message: expect.stringMatching(/answered 401$/),
      });
    }
  });

  test('refuses a table that it does not copy, its own bookkeeping included', async () => {
    const copy = createHttpServiceCopy({ url: server.url, peerToken: 'right' });
    await expect(copy.rows({ ...all, table: 'banyan_position' }, signal)).rejects.toThrow(/answered 404$/);
  });

  test('says what is wrong with a request', async () => {
    const response = await fetch(`${server.url}/_banyan/rows`, {
      method: 'POST',
      headers: { authorization: 'Bearer right', 'content-type': 'application/json' },
      body: '{"table":1,"afterKey":null}',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: { code: 'invalid-request', message: expect.stringMatching(/table: .*; toKey: /) },
    });
  });
});

describe('asking a service', () => {
  test('that is not there fails as such', async () => {
    const gone = await listen(express(), { port: 0 });
    await gone.close();
    const copy = createHttpServiceCopy({ url: gone.url, peerToken: 'right' });
    await expect(copy.sync(signal)).rejects.toMatchObject({ code: 'service-unreachable' });
  });

  test('that answers something else fails as such', async () => {
    const other = await listen(
      express().use((_request, response) => void response.json({ rows: 'many' })),
      { port: 0 },
    );
    const copy = createHttpServiceCopy({ url: other.url, peerToken: 'right' });
    await expect(copy.rows(all, signal)).rejects.toMatchObject({
      code: 'service-answer-invalid',
    });
    await other.close();
  });

  test('that does not answer ends at the deadline', async () => {
    const silent = await listen(() => undefined, { port: 0, graceMs: 0 });
    const copy = createHttpServiceCopy({ url: silent.url, peerToken: 'right', deadlineMs: 50 });
    await expect(copy.sync(signal)).rejects.toMatchObject({ code: 'service-unreachable' });
    await silent.close();
  });
});
