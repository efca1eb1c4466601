import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../log.ts';
import { watchFile, type FileWatch } from './file-watch.ts';
import { openSqliteFile } from './open-file.ts';

let folder: string;
let file: string;
let watch: FileWatch;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-watch-'));
  file = join(folder, 'store.sqlite');
});
afterEach(async () => {
  await watch.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Looks often, by itself: nobody asks it to. */
async function start(): Promise<void> {
  const store = await openSqliteFile({ file });
  await store.raw('CREATE TABLE t (body TEXT)');
  await store.destroy();
  watch = await watchFile({ file, name: 'the store', logger: silentLogger, intervalMs: 20 });
}

async function until(isSo: (problems: readonly string[]) => boolean): Promise<readonly string[]> {
  for (;;) {
    const problems = watch.problems();
    if (isSo(problems)) return problems;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const isWell = (problems: readonly string[]): boolean => problems.length === 0;
const says = (text: string) => (problems: readonly string[]) => problems.join().includes(text);

describe('without anybody using the file, it is noticed', () => {
  test('that another process holds its lock, and that it let go', async () => {
    await start();
    await watch.look();
    expect(watch.problems()).toEqual([]);
    const other = await openSqliteFile({ file });
    await other.raw('BEGIN IMMEDIATE');
    expect(await until(says('cannot be written'))).toEqual([
      expect.stringMatching(/^the store cannot be written \(.*store\.sqlite\): .*lock/),
    ]);
    await other.destroy();
    await until(isWell);
  });

  test.each<[string, string, () => void]>([
    ['replaced', 'was replaced by another file', () => writeFileSync(file, 'another')],
    ['removed', 'is gone', () => undefined],
  ])('that it was %s, and put back', async (_, said, replace) => {
    await start();
    renameSync(file, `${file}.old`);
    replace();
    await until(says(said));
    renameSync(`${file}.old`, file);
    await until(isWell);
  });
});

/** A file system of its own of 1 MB; false where none can be mounted. */
function mountSmallDisk(at: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
function canMount(): boolean {
  const at = mkdtempSync(join(tmpdir(), 'banyan-can-mount-'));
  const can = mountSmallDisk(at);
  if (can) execFileSync('umount', [at]);
  rmSync(at, { recursive: true });
  return can;
}

(canMount() ? test : test.skip)(
  'that its disk is full, and has room again (wants the right to mount)',
  async () => {
    mountSmallDisk(folder);
    try {
      await start();
      await watch.look();
      expect(watch.problems()).toEqual([]);
      const ballast = join(folder, 'ballast');
      expect(() => writeFileSync(ballast, Buffer.alloc(2_000_000))).toThrow(/ENOSPC/);
      await until(says('lies on a full disk'));
      rmSync(ballast);
      await until(isWell);
      await watch.close();
    } finally {
      execFileSync('umount', [folder]);
    }
  },
);

test('a look leaves the file as it was for everybody else', async () => {
  await start();
  await watch.look();
  const other = await openSqliteFile({ file });
  expect(await other.raw('SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }]);
  await other.destroy();
});
