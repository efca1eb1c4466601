import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Knex } from 'knex';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as firstSchema from '../../../../migrations/bus/0001-log.ts';
import { migrateSqlite, openSqliteFile } from '@banyan/kit/sqlite';
import { describeBusContract } from '../../../testing/contracts/bus-contract.ts';
import { record, start, takeAll } from '../../../testing/beds/bus-test-bed.ts';
import { openSqliteBus } from './sqlite-bus.ts';

let folder: string;
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-bus-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});
function newFile(): string {
  files += 1;
  return join(folder, `${files}.sqlite`);
}

describeBusContract('The SQLite bus', () => openSqliteBus({ file: newFile() }));

test('records, offsets and the position of the source survive closing and opening', async () => {
  const file = newFile();
  const first = await openSqliteBus({ file });
  await first.takeOver('slot', { systemId: '7', timeline: 1, lsn: 10n });
  await first.appendAt([{ topic: 'a', key: 'k', headers: {}, value: 'v' }], {
    source: 'slot',
    epoch: 1,
    expectedLsn: 10n,
    lsn: 20n,
  });
  await first.close();

  const second = await openSqliteBus({ file });
  expect(await second.sourcePosition('slot')).toMatchObject({ epoch: 1, lsn: 20n });
  await second.append([{ topic: 'a', key: 'k', headers: {}, value: 'w' }]);
  expect(await second.ends(['a'])).toEqual([{ topic: 'a', partition: 0, nextOffset: 2 }]);
  await second.close();
});

test('many may open a new file at once, and see what each other append', async () => {
  const file = newFile();
  const buses = await Promise.all(Array.from({ length: 6 }, () => openSqliteBus({ file })));
  await Promise.all(buses.map((bus) => bus.append([{ topic: 'a', key: null, headers: {}, value: null }])));
  for (const bus of buses) {
    expect(await bus.ends(['a'])).toEqual([{ topic: 'a', partition: 0, nextOffset: 6 }]);
  }
  await Promise.all(buses.map((bus) => bus.close()));
});

test('a folder that does not exist is refused', async () => {
  await expect(openSqliteBus({ file: join(folder, 'none', 'bus.sqlite') })).rejects.toMatchObject({
    code: 'SQLITE_CANTOPEN',
  });
});

const firstMigration: Knex.MigrationSource<string> = {
  getMigrations: () => Promise.resolve(['0001-log']),
  getMigrationName: (name) => name,
  getMigration: () => Promise.resolve(firstSchema),
};

test('a bus of the first schema keeps its records, and their sizes are known', async () => {
  const file = newFile();
  const old = await openSqliteFile({ file });
  await migrateSqlite(old, firstMigration);
  await old.raw(`INSERT INTO topic VALUES (1, 'a', 2), (2, 'b', 1)`);
  await old.raw(`INSERT INTO record VALUES
    (1, 1, 0, '{"id":1}', '{}', '{"n":1}', 5), (2, 2, 0, NULL, '{}', NULL, 6), (3, 1, 1, '{"id":2}', '{}', 'é', 7)`);
  await old.destroy();

  const bus = await openSqliteBus({ file });
  await bus.append([record('a', 3)]);
  expect(await takeAll(bus, 'a')).toMatchObject([
    { offset: 0, key: '{"id":1}', value: '{"n":1}', storedAtMs: 5 },
    { offset: 1, key: '{"id":2}', value: 'é', storedAtMs: 7 },
    { offset: 2, key: '{"id":3}' },
  ]);
  expect(await bus.topics()).toEqual([
    { topic: 'a', firstOffset: 0, nextOffset: 3, records: 3, bytes: 17 + 12 + 17 },
    { topic: 'b', firstOffset: 0, nextOffset: 1, records: 1, bytes: 2 },
  ]);
  await bus.commit('one', [start('a', 1)]);
  expect(await bus.groups()).toMatchObject([{ lagRecords: 2, lagBytes: 12 + 17 }]);
  await bus.close();
});

test('a position of before incarnations were kept is of the first one, and is gone on from', async () => {
  const file = newFile();
  const old = await openSqliteFile({ file });
  await migrateSqlite(old, firstMigration);
  await old.raw(`INSERT INTO source_position VALUES ('slot', 3, '900', '7', 1, 12)`);
  await old.destroy();
  const bus = await openSqliteBus({ file });
  const stored = await bus.sourcePosition('slot');
  expect(stored).toMatchObject({
    epoch: 3,
    lsn: 900n,
    incarnation: 1,
    incarnationAtMs: null,
    anewReason: null,
  });
  expect(stored).toMatchObject({ open: null, witness: null, publicationId: null });
  expect(
    await bus.takeOver('slot', { systemId: '7', timeline: 1, lsn: 1n, publicationId: '5' }),
  ).toMatchObject({
    epoch: 4,
    lsn: 900n,
    incarnation: 1,
    publicationId: '5',
  });
  await bus.close();
});
