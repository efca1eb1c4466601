import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SyncReport } from '@banyan/contracts';
import type { Knex } from 'knex';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { SourceLog } from '../bus/bus.ts';
import { openSqliteBus } from '../bus/sqlite-bus.ts';
import { createFolder, note, openNotes, rowRecord, until } from './consumer-test-bed.ts';

const program = join(import.meta.dirname, 'consume-until-killed.ts');
const EVENTS = 6_000;

let folder: Awaited<ReturnType<typeof createFolder>>;
let bus: SourceLog;
let knex: Knex;

beforeAll(async () => {
  folder = await createFolder();
  bus = await openSqliteBus({ file: folder.file('bus.sqlite') });
  knex = await openNotes(folder.file('store.sqlite'));
  // Counts writes: every event makes another row, so that one applied twice shows as an update.
  await knex.raw('CREATE TABLE applied (changes INTEGER NOT NULL)');
  await knex.raw('INSERT INTO applied VALUES (0)');
  for (const event of ['INSERT', 'UPDATE OF big', 'DELETE']) {
    await knex.raw(`CREATE TRIGGER applied_${event.slice(0, 6)} AFTER ${event} ON note
      BEGIN UPDATE applied SET changes = changes + 1; END`);
  }
});
afterAll(async () => {
  await bus.close();
  await knex.destroy();
  await folder.remove();
});

function startConsumerProcess(): { child: ChildProcess; last: () => SyncReport | undefined } {
  const child = fork(program, [folder.file('bus.sqlite'), folder.file('store.sqlite')], {
    execArgv: [],
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'silent' },
  });
  let report: SyncReport | undefined;
  child.on('message', (message) => (report = message as SyncReport));
  return { child, last: () => report };
}

async function stored(): Promise<{ nextOffset: number; appliedRows: number }> {
  const rows = await knex.raw<{ nextOffset: number; appliedRows: number }[]>(
    `SELECT next_offset AS nextOffset, applied_rows AS appliedRows FROM banyan_position
     WHERE topic = 'shop.public.notes'`,
  );
  return rows[0] ?? { nextOffset: 0, appliedRows: 0 };
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

    // Rows, progress and the count of writes stand together at every kill.
    const { nextOffset, appliedRows } = await stored();
    expect(nextOffset).toBeGreaterThan(offset);
    expect(appliedRows).toBe(nextOffset);
    expect(await knex.raw('SELECT count(*) AS n, max(note_id) + 1 AS ends FROM note')).toEqual([
      { n: nextOffset, ends: nextOffset },
    ]);
    expect(await knex.raw('SELECT changes FROM applied')).toEqual([{ changes: nextOffset }]);
    offset = nextOffset;
  }
  expect(kills).toBeGreaterThan(1);
});
