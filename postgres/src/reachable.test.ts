import { afterEach, describe, expect, test } from '@jest/globals';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { reachableBinaries, reachableData } from './reachable.ts';

const someone = { name: 'nobody', uid: 65_534, gid: 65_534 };
const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

function folder(mode: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-reach-'));
  made.push(dir);
  mkdirSync(join(dir, 'inner'), { mode: 0o755 });
  chmodSync(dir, mode);
  return join(dir, 'inner');
}

/** A package's folder with something to run. */
function binaries(mode: number): string {
  const dir = folder(mode);
  mkdirSync(join(dir, 'bin'));
  writeFileSync(join(dir, 'bin', 'postgres'), '#!/bin/sh\n', { mode: 0o700 });
  return dir;
}

function keep(path: string): string {
  made.push(path.startsWith('/var/tmp/banyan-') ? dirname(path) : path);
  return path;
}

describe('data', () => {
  test('stay where the account can reach them, and where it is our own', () => {
    const open = folder(0o755);
    expect(reachableData(open, someone, false)).toBe(join(open, 'data'));
    const closed = folder(0o700);
    expect(reachableData(closed, null, false)).toBe(join(closed, 'data'));
  });

  test('of a closed home lie in a folder of our own under a random name, the same at each start', () => {
    const closed = folder(0o700);
    const place = keep(reachableData(closed, someone, false));
    expect(place).toMatch(/^\/var\/tmp\/banyan-[A-Za-z0-9]{6}\/data$/);
    expect(lstatSync(dirname(place)).mode & 0o777).toBe(0o711);
    expect(reachableData(closed, someone, true)).toBe(place);
    const other = keep(reachableData(folder(0o700), someone, false));
    expect(other).not.toBe(place);
  });

  test('of a home that was open before move along when it is closed', () => {
    const dir = folder(0o700);
    mkdirSync(join(dir, 'data'));
    writeFileSync(join(dir, 'data', 'PG_VERSION'), '18\n');
    let place: string;
    try {
      place = keep(reachableData(dir, someone, true));
    } catch (error) {
      // Another file system: said, with the command, and nothing was lost.
      expect((error as Error).message).toContain(`cp -a ${join(dir, 'data')}`);
      expect(readFileSync(join(dir, 'data', 'PG_VERSION'), 'utf8')).toBe('18\n');
      return;
    }
    expect(readFileSync(join(place, 'PG_VERSION'), 'utf8')).toBe('18\n');
  });
});

// Who is not root runs everything where it lies.
const asRoot = process.getuid?.() === 0 ? describe : describe.skip;
asRoot('as root (skipped for others), what is run', () => {
  test('is copied into a folder that nobody else could have made, once', () => {
    const note = join(folder(0o700), 'note');
    const native = binaries(0o700);
    const copy = keep(reachableBinaries(native, someone, note));
    expect(copy).toMatch(/^\/var\/tmp\/banyan-[A-Za-z0-9]{6}\/native$/);
    expect(lstatSync(join(copy, 'bin', 'postgres'))).toMatchObject({ uid: 0 });
    expect(lstatSync(join(copy, 'bin', 'postgres')).mode & 0o777).toBe(0o755);
    expect(lstatSync(join(copy, 'bin')).mode & 0o777).toBe(0o755);
    expect(reachableBinaries(native, someone, note)).toBe(copy);
  });

  test('is never what somebody put where earlier versions looked', () => {
    const native = binaries(0o700);
    const guessed = `/var/tmp/banyan-${createHash('sha256').update(join(native, 'bin')).digest('hex').slice(0, 16)}`;
    made.push(`${guessed}-native`);
    mkdirSync(join(`${guessed}-native`, 'bin'), { recursive: true });
    writeFileSync(join(`${guessed}-native`, 'bin', 'postgres'), 'theirs', { mode: 0o755 });
    const copy = keep(reachableBinaries(native, someone, join(folder(0o700), 'note')));
    expect(readFileSync(join(copy, 'bin', 'postgres'), 'utf8')).toBe('#!/bin/sh\n');
  });

  test.each<[string, (place: string) => void]>([
    ['belongs to another account', (place) => chownSync(place, 65_534, 65_534)],
    ['may be written to by others', (place) => chmodSync(place, 0o777)],
    [
      'is a link to elsewhere',
      (place) => {
        rmSync(place, { recursive: true });
        symlinkSync(tmpdir(), place);
      },
    ],
  ])('is not run from a folder that %s', (_, change) => {
    const note = join(folder(0o700), 'note');
    const native = binaries(0o700);
    const place = dirname(keep(reachableBinaries(native, someone, note)));
    change(place);
    expect(() => reachableBinaries(native, someone, note)).toThrow(/may have been made by others.*rm /);
  });

  test('data are not given to the account through a link that somebody planted', () => {
    const dir = folder(0o700);
    const planted = `/var/tmp/banyan-${createHash('sha256').update(join(dir, 'data')).digest('hex').slice(0, 16)}`;
    const target = folder(0o755);
    writeFileSync(join(target, 'PG_VERSION'), '18\n');
    symlinkSync(target, planted);
    made.push(planted);
    const place = keep(reachableData(dir, someone, true));
    expect(place).not.toBe(planted);
    expect(readlinkSync(planted)).toBe(target);
  });
});
