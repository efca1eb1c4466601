import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { SyncReport } from '@banyan/contracts';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { BusRecord, SourceLog } from '../bus/bus.ts';
import { openSqliteBus } from '../bus/sqlite/sqlite-bus.ts';
import {
  createFolder,
  note,
  notesTopic,
  openNotes,
  rereadBegun,
  rereadRow,
  rowRecord,
  until,
} from '../../testing/beds/consumer-test-bed.ts';
import { openPostgresNotes } from '../../testing/beds/postgres-test-bed.ts';

const program = join(import.meta.dirname, '../../testing/processes/consume-until-killed.ts');
const EVENTS = 6_000;

/** A store that a consumer process is given by its address, and looked into from here. */
interface KilledStore {
  readonly address: string;
  /** The first row; numbers as numbers. */
  first(sql: string): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

let folder: Awaited<ReturnType<typeof createFolder>>;
beforeAll(async () => {
  folder = await createFolder();
});
afterAll(() => folder.remove());

async function openSqlite(): Promise<KilledStore> {
  const address = folder.file('store.sqlite');
  const knex = await openNotes(address);
  // Counts writes: every event makes another row, so that one applied twice shows as an update.
  await knex.raw('CREATE TABLE applied (changes INTEGER NOT NULL)');
  await knex.raw('INSERT INTO applied VALUES (0)');
  for (const event of ['INSERT', 'UPDATE OF big', 'DELETE']) {
    await knex.raw(`CREATE TRIGGER applied_${event.slice(0, 6)} AFTER ${event} ON note
      BEGIN UPDATE applied SET changes = changes + 1; END`);
  }
  return {
    address,
    async first(sql) {
      const [row = {}] = await knex.raw<Record<string, number>[]>(sql);
      return row;
    },
    close: () => knex.destroy(),
  };
}

async function openPostgres(): Promise<KilledStore> {
  const database = await openPostgresNotes('killed');
  const { url, knex } = database;
  await knex.raw('CREATE TABLE applied (changes bigint NOT NULL)');
  await knex.raw('INSERT INTO applied VALUES (0)');
  await knex.raw(`CREATE FUNCTION count_applied() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN UPDATE applied SET changes = changes + 1; RETURN null; END'`);
  await knex.raw(`CREATE TRIGGER applied AFTER INSERT OR UPDATE OR DELETE ON note
    FOR EACH ROW EXECUTE FUNCTION count_applied()`);
  return {
    address: url,
    async first(sql) {
      const { rows } = await knex.raw<{ rows: Record<string, unknown>[] }>(sql);
      return Object.fromEntries(
        Object.entries(rows[0] ?? {}).map(([name, value]) => [name, value === null ? 0 : Number(value)]),
      );
    },
    close: () => database.close(),
  };
}

describe.each([
  ['SQLite', openSqlite],
  ['PostgreSQL', openPostgres],
])('on %s', (name, open) => {
  let bus: SourceLog;
  let store: KilledStore;
  const busFile = (): string => folder.file(`bus-${name}.sqlite`);

  beforeAll(async () => {
    bus = await openSqliteBus({ file: busFile() });
    store = await open();
  });
  afterAll(async () => {
    await bus.close();
    await store.close();
  });

  function startConsumerProcess(): { child: ChildProcess; last: () => SyncReport | undefined } {
    const child = fork(program, [busFile(), store.address], {
      execArgv: [],
      env: { PATH: process.env['PATH'], LOG_LEVEL: 'silent' },
    });
    let report: SyncReport | undefined;
    child.on('message', (message) => (report = message as SyncReport));
    return { child, last: () => report };
  }

  test('a consumer killed with kill -9 amid its batches loses nothing and applies nothing twice', async () => {
    for (let from = 0; from < EVENTS; from += 500) {
      const ids = Array.from({ length: 500 }, (_, i) => from + i);
      await bus.append(ids.map((id) => rowRecord('c', note(id, { body: 'x'.repeat(1_000) }))));
    }
    let kills = 0;
    for (let offset = 0; offset < EVENTS; kills += 1) {
      const { child, last } = startConsumerProcess();
      const wanted = Math.min(EVENTS, offset + 1_500);
      await until(() => (last()?.tables[0]?.nextOffset ?? 0) >= wanted, 'progress');
      child.kill('SIGKILL'); // some way into the next batch
      await once(child, 'exit');

      // Rows, progress and the count of writes stand together at every kill; a batch that was in hand comes whole or
      // not at all, though PostgreSQL may come to either a moment after the kill.
      const stands = await store.first(
        `SELECT next_offset, applied_rows, (SELECT count(*) FROM note) AS notes,
           (SELECT max(note_id) + 1 FROM note) AS ends, (SELECT changes FROM applied) AS changes
         FROM banyan_position WHERE topic = 'shop.public.notes'`,
      );
      const { next_offset: nextOffset = 0 } = stands;
      expect(nextOffset).toBeGreaterThan(offset);
      expect(stands).toEqual({
        next_offset: nextOffset,
        applied_rows: nextOffset,
        notes: nextOffset,
        ends: nextOffset,
        changes: nextOffset,
      });
      offset = nextOffset;
    }
    expect(kills).toBeGreaterThan(1);
  });

  test('a consumer killed while a row is read again knows of it, and of what came in between', async () => {
    const topicEnd = async (): Promise<number> => (await bus.ends([notesTopic]))[0]?.nextOffset ?? 0;
    /** Applies what is on the bus, and is killed. */
    async function applyAndKill(): Promise<void> {
      const end = await topicEnd();
      const { child, last } = startConsumerProcess();
      await until(() => (last()?.tables[0]?.nextOffset ?? 0) >= end, 'progress');
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    const big = async (id: number): Promise<number | undefined> =>
      (await store.first(`SELECT big FROM note WHERE note_id = ${id}`))['big'];
    const read = (id: number): BusRecord => rereadRow('read', rowRecord('r', note(id, { big: 7 })));
    await bus.append([1, 2, 3].map((id) => rereadBegun('read', id)));
    await applyAndKill();
    await bus.append([rowRecord('u', note(2, { big: 8 }))]);
    await applyAndKill();
    await bus.append([read(1), read(2)]);
    await applyAndKill();
    // The third one is still open.
    await bus.append([rereadRow('other', rowRecord('r', note(3, { big: 6 }))), read(3), read(1)]);
    await applyAndKill();
    expect([await big(1), await big(2), await big(3)]).toEqual([7, 8, 7]);
    expect(await store.first('SELECT count(*) AS open FROM banyan_window')).toEqual({ open: 0 });
  });
});
