import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Row, SyncReport } from '@banyan/contracts';
import type { Knex } from 'knex';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { SourceLog } from '../bus/bus.ts';
import { openSqliteBus } from '../bus/sqlite-bus.ts';
import { createFolder, note, openNotes, rowRecord, until } from './consumer-test-bed.ts';

const program = join(import.meta.dirname, 'consume-until-killed.ts');
const NOTES = 50;
const VERSIONS = 120;

let folder: Awaited<ReturnType<typeof createFolder>>;
let bus: SourceLog;
let knex: Knex;

beforeAll(async () => {
  folder = await createFolder();
  bus = await openSqliteBus({ file: folder.file('bus.sqlite') });
  knex = await openNotes(folder.file('store.sqlite'));
  // Counts events that were applied, by adding up a column that every event sets to 1: an event applied twice shows.
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
  for (let version = 0; version < VERSIONS; version += 1) {
    await bus.append(
      Array.from({ length: NOTES }, (_, id) =>
        rowRecord(version === 0 ? 'c' : 'u', note(id, { body: `v${version}`, big: version })),
      ),
    );
  }
  const total = NOTES * VERSIONS;
  let kills = 0;
  const seen: { offset: number; changes: number }[] = [];
  for (;;) {
    const { child, last } = startConsumerProcess();
    const before = await stored().catch(() => ({ nextOffset: 0 })); // no table before the first start
    await until(
      () => (last()?.tables[0]?.nextOffset ?? 0) > before.nextOffset || before.nextOffset === total,
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    kills += 1;

    // Rows and progress stand together at every kill: each note has the version that the offset says.
    const { nextOffset, appliedRows } = await stored();
    expect(appliedRows).toBe(nextOffset);
    const [applied] = await knex.raw<{ changes: number }[]>('SELECT changes FROM applied');
    const rows = await knex.raw<Row[]>('SELECT note_id, big FROM note');
    expect(
      rows.map(({ big, note_id }) => Number(big) * NOTES + Number(note_id)).every((at) => at < nextOffset),
    ).toBe(true);
    const newest = Math.max(...rows.map(({ big, note_id }) => Number(big) * NOTES + Number(note_id)));
    expect(newest).toBe(nextOffset - 1);
    seen.push({ offset: nextOffset, changes: applied?.changes ?? 0 });
    if (nextOffset === total) break;
  }
  expect(kills).toBeGreaterThan(1);
  expect(await knex.raw('SELECT count(*) AS n, min(text) AS low, max(text) AS high FROM note')).toEqual([
    { n: NOTES, low: `v${VERSIONS - 1}`, high: `v${VERSIONS - 1}` },
  ]);
  expect(seen.map(({ offset }) => offset)).toEqual(seen.map(({ offset }) => offset).sort((a, b) => a - b));
});
