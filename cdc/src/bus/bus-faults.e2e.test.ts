import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync, fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { mkdtemp, open, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openSqliteFile } from '@banyan/kit/sqlite';
import { record, start, takeAll } from '../../testing/beds/bus-test-bed.ts';
import type { EmbeddedBus } from './retention/kept-bus.ts';
import { openSqliteBus } from './sqlite/sqlite-bus.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-bus-'));
  file = join(folder, 'bus.sqlite');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function fork_(program: string, args: readonly string[]): ChildProcess {
  const env = { PATH: process.env['PATH'] };
  return fork(join(import.meta.dirname, '../../testing/processes', program), [...args], {
    execArgv: [],
    env,
  });
}

async function kill(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Leaves what a writer leaves that dies amid its appends: the topic `shared`, batches of ten, a log to recover. */
async function leaveTornBus(batches: number): Promise<number> {
  const child = fork_('append-until-killed.ts', [file, 'w', '100000']);
  let acknowledged = 0;
  child.on('message', () => (acknowledged += 1));
  while (acknowledged < batches) await once(child, 'message');
  await kill(child);
  return acknowledged;
}

async function overwrite(path: string, at: number, bytes: Buffer): Promise<void> {
  const handle = await open(path, 'r+');
  await handle.write(bytes, 0, bytes.length, at);
  await handle.close();
}

/** Every batch on the bus is whole. @returns how many there are. */
async function wholeBatches(bus: EmbeddedBus): Promise<number> {
  const records = await takeAll(bus, 'shared');
  const expected = Array.from({ length: records.length / 10 }, (_, batch) =>
    Array.from({ length: 10 }, (_, i) => `w ${batch} ${i}`),
  ).flat();
  expect(records.map(({ key }) => key)).toEqual(expected);
  expect(records.map(({ offset }) => offset)).toEqual(expected.map((_, i) => i));
  return records.length / 10;
}

describe('a log that is torn', () => {
  test.each(['cut off', 'garbled'])('(%s) leaves whole batches, and the bus goes on', async (how) => {
    const acknowledged = await leaveTornBus(12);
    const { size } = await stat(`${file}-wal`);
    const at = Math.floor(size * 0.6);
    if (how === 'cut off') await truncate(`${file}-wal`, at);
    else await overwrite(`${file}-wal`, at, Buffer.alloc(64, 0x5a));

    const bus = await openSqliteBus({ file, check: true });
    const batches = await wholeBatches(bus);
    expect(batches).toBeGreaterThan(0);
    expect(batches).toBeLessThan(acknowledged);
    expect(await bus.topics()).toMatchObject([{ topic: 'shared', records: batches * 10 }]);
    await bus.append([{ ...record('shared', 1), key: 'on' }]);
    expect((await bus.read(start('shared', batches * 10), 9)).map(({ key }) => key)).toEqual(['on']);
    await bus.close();
  });

  test('that is garbled from its first byte is none', async () => {
    const first = await openSqliteBus({ file });
    await first.close();
    await leaveTornBus(3);
    await overwrite(`${file}-wal`, 0, Buffer.alloc(4_096, 0x5a));
    const bus = await openSqliteBus({ file, check: true });
    expect(await bus.ends(['shared'])).toEqual([start('shared', 0)]);
    await bus.close();
  });
});

describe('a file that is damaged', () => {
  test.each<[string, (size: number) => Promise<void>]>([
    [
      'a page in the middle',
      (size) => overwrite(file, Math.floor(size / 8_192) * 4_096, Buffer.alloc(4_096, 0x5a)),
    ],
    ['its end cut off', (size) => truncate(file, size - 5 * 4_096)],
    ['its beginning', () => overwrite(file, 0, Buffer.alloc(100, 0x5a))],
  ])('(%s) is found at the start, with the commands that mend it', async (_, damage) => {
    await leaveTornBus(12);
    // Into the file itself, then one more death, so that there is a log again.
    await (await openSqliteBus({ file })).close();
    const { size } = await stat(file);
    await damage(size);
    await writeFile(`${file}-wal`, Buffer.alloc(32));

    const opened = openSqliteBus({ file, check: true });
    await expect(opened).rejects.toMatchObject({ code: 'bus-corrupt' });
    const message = await opened.then(String, String);
    expect(message).toContain(`mv ${file} ${file}.damaged`);
    // Put aside as the message says, a new one takes its place.
    const aside = /\((mv [^)]*)\)/.exec(message)?.[1] ?? 'false';
    expect(spawnSync('sh', ['-c', aside]).status).toBe(0);
    const bus = await openSqliteBus({ file, check: true });
    expect(await bus.ends(['shared'])).toEqual([start('shared', 0)]);
    await bus.close();
  });

  test('while the bus is used, is told by the same error, and says no values', async () => {
    const bus = await openSqliteBus({ file });
    await bus.append(
      Array.from({ length: 300 }, (_, id) => ({ ...record('a', id), value: `"private ${id}"` })),
    );
    await bus.close();
    await rename(file, `${file}.old`);
    await writeFile(file, 'no database at all, private');
    const opened = openSqliteBus({ file });
    await expect(opened).rejects.toMatchObject({ code: 'bus-corrupt' });
    await expect(opened).rejects.not.toThrow('private');
  });
});

test('damage that is met while the bus is used ends its use', async () => {
  const first = await openSqliteBus({ file });
  await first.append(Array.from({ length: 3_000 }, (_, id) => record('a', id)));
  await first.close();
  const bus = await openSqliteBus({ file });
  const { size } = await stat(file);
  await overwrite(file, 8 * 4_096, Buffer.alloc(size - 16 * 4_096, 0x5a));
  await expect(bus.read(start('a'), 3_000)).rejects.toMatchObject({ code: 'bus-corrupt' });
  await expect(bus.append([record('b', 1)])).rejects.toMatchObject({ code: 'bus-corrupt' });
  await bus.close();
});

test('keepers and writers killed with kill -9 leave dense topics and lose no record that a group still needs', async () => {
  const bus = await openSqliteBus({ file });
  await bus.commit('one', [start('shared', 0)]);
  let applied = 0;
  for (let round = 0; round < 3; round += 1) {
    const keeper = fork_('keep-until-killed.ts', [file]);
    await once(keeper, 'message');
    const writer = fork_('append-until-killed.ts', [file, `w${round}`, '100000']);
    const goal = applied + 200 + round * 37;
    while (applied < goal) {
      const read = await bus.read(start('shared', applied), 50);
      expect(read.map(({ offset }) => offset)).toEqual(read.map((_, i) => applied + i));
      applied += read.length;
      await bus.commit('one', [start('shared', applied)]);
      await delay(1);
    }
    await Promise.all([kill(writer), kill(keeper)]);
    // What is kept, is kept whole, and what the books say of it is true.
    const [topic] = await bus.topics();
    expect(topic?.firstOffset).toBeLessThanOrEqual(applied);
    const kept = await bus.read(start('shared', topic?.firstOffset), 1_000_000);
    expect(kept.map(({ offset }) => offset)).toEqual(kept.map((_, i) => (topic?.firstOffset ?? 0) + i));
    expect(topic).toMatchObject({
      records: kept.length,
      nextOffset: (topic?.firstOffset ?? 0) + kept.length,
    });
    expect(await bus.groups()).toMatchObject([{ name: 'one', lost: false }]);
  }
  expect((await bus.topics())[0]?.firstOffset).toBeGreaterThan(0);
  await bus.close();
  const check = await openSqliteFile({ file });
  expect(await check.raw('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  await check.destroy();
});

/** A folder with room for 16 MB; null when we may not mount one. */
function mountSmallDisk(): string | null {
  const place = mkdtempSync(join(tmpdir(), 'banyan-disk-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'none', place]);
  if (status === 0) return place;
  rmdirSync(place);
  return null;
}

const disk = mountSmallDisk();
const onSmallDisk = disk === null ? test.skip : test;

onSmallDisk(
  `a full disk refuses appends whole, loses nothing, and is gone on from${disk === null ? ' (skipped: needs root to mount a small disk)' : ''}`,
  async () => {
    const place = disk ?? '';
    const small = join(place, 'bus.sqlite');
    const bus = await openSqliteBus({ file: small });
    try {
      await bus.takeOver('slot', { systemId: '7', timeline: 1, lsn: 1n });
      await bus.commit('one', [start('a', 0)]);
      await writeFile(join(place, 'ballast'), Buffer.alloc(10_000_000));
      const batch = Array.from({ length: 10 }, (_, id) => ({
        ...record('a', id),
        value: 'x'.repeat(20_000),
      }));
      let lsn = 1n;
      const appendNext = async (): Promise<void> => {
        await bus.appendAt(batch, { source: 'slot', epoch: 1, expectedLsn: lsn, lsn: lsn + 1n });
        lsn += 1n;
      };
      const full = (async () => {
        for (;;) await appendNext();
      })();
      await expect(full).rejects.toMatchObject({ code: 'bus-full', reason: 'disk' });
      await expect(full).rejects.toThrow(place);
      const refused = bus.appendAt(batch, { source: 'slot', epoch: 1, expectedLsn: lsn, lsn: lsn + 1n });
      await expect(refused).rejects.toMatchObject({ code: 'bus-full' });
      // Nothing half-stored: position and records stand together, and can be read.
      const stored = Number(lsn - 1n) * 10;
      expect(stored).toBeGreaterThan(0);
      expect(await bus.sourcePosition('slot')).toMatchObject({ lsn });
      expect(await bus.ends(['a'])).toEqual([start('a', stored)]);
      expect(await takeAll(bus, 'a')).toHaveLength(stored);

      await rm(join(place, 'ballast'));
      for (let more = 0; more < 3; more += 1) await appendNext();
      expect(await takeAll(bus, 'a')).toHaveLength(stored + 30);
      await bus.close();
      const check = await openSqliteFile({ file: small });
      expect(await check.raw('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
      await check.destroy();
    } finally {
      await bus.close();
      execFileSync('umount', [place]);
      rmdirSync(place);
    }
  },
);
