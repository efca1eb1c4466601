import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openHome, type Home } from '../home.ts';
import { putAside } from './down.ts';

let home: Home;
beforeEach(() => {
  home = openHome({ BANYAN_HOME: join(mkdtempSync(join(tmpdir(), 'banyan-down-')), '.banyan') });
});
afterEach(() => rmSync(dirname(home.dir), { recursive: true }));

function fill(text: string): void {
  mkdirSync(home.secretsDir, { recursive: true });
  writeFileSync(home.secret('session.secret'), text);
  writeFileSync(home.file('stack'), text);
}

test('what is put aside stays inside the home, whole, and the home begins from nothing', () => {
  fill('first');
  const kept = putAside(home) ?? '';
  expect(dirname(dirname(kept))).toBe(home.dir);
  expect(readFileSync(join(kept, 'secrets', 'session.secret'), 'utf8')).toBe('first');
  expect(readdirSync(home.dir)).toEqual(['put-aside']);
  expect(readdirSync(dirname(home.dir))).toEqual(['.banyan']);
});

test('a second time leaves the first one where it is', async () => {
  fill('first');
  const first = putAside(home) ?? '';
  fill('second');
  await new Promise((resolve) => setTimeout(resolve, 5)); // another moment, so another name
  const second = putAside(home) ?? '';
  expect(readFileSync(join(first, 'stack'), 'utf8')).toBe('first');
  expect(readFileSync(join(second, 'stack'), 'utf8')).toBe('second');
});

test('nothing to put aside is no folder', () => {
  expect(putAside(home)).toBeNull();
  expect(existsSync(home.dir)).toBe(false);
  fill('first');
  expect(putAside(home)).not.toBeNull();
  expect(putAside(home)).toBeNull();
});
