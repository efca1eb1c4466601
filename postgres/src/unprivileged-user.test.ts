import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { reachablePath } from './unprivileged-user.ts';

const someone = { name: 'nobody', uid: 65_534, gid: 65_534 };

function folder(mode: number): string {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-reach-'));
  mkdirSync(join(dir, 'inner'));
  chmodSync(dir, mode);
  return join(dir, 'inner', 'data');
}

test('a path that others can reach is used as it is', () => {
  const path = folder(0o755);
  expect(reachablePath(path, someone)).toBe(path);
});

test('a path below a closed folder is replaced by one that stays the same', () => {
  const path = folder(0o700);
  const place = reachablePath(path, someone);
  expect(place).toMatch(/^\/var\/tmp\/banyan-[0-9a-f]{16}$/);
  expect(reachablePath(path, someone)).toBe(place);
});

test('without another account every path is our own', () => {
  const path = folder(0o700);
  expect(reachablePath(path, null)).toBe(path);
});
