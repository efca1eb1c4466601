import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addToLockfile } from './lock-entry.ts';
import { writeService } from './write-service.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'write-service-'));
  chmodSync(root, 0o755);
  writeFileSync(join(root, 'config.ts'), 'before', { mode: 0o640 });
});
afterEach(() => rmSync(root, { recursive: true }));

const writing = {
  folders: ['a/new', 'b/new'],
  files: { 'a/new/one.ts': '1', 'b/new/deep/two.ts': '2' },
  changed: { 'config.ts': 'after' },
  link: { at: 'link', to: 'a/new' },
};

test('writes all of it, as open to others as the folder that it is in', () => {
  writeService({ root, ...writing });
  expect(readFileSync(join(root, 'link', 'one.ts'), 'utf8')).toBe('1');
  expect(readFileSync(join(root, 'config.ts'), 'utf8')).toBe('after');
  const modes = ['b', 'b/new/deep', 'b/new/deep/two.ts', 'config.ts'].map((name) =>
    (statSync(join(root, name)).mode & 0o777).toString(8),
  );
  expect(modes).toEqual(['755', '755', '644', '640']);
});

test('what cannot be written whole leaves nothing behind', () => {
  writeFileSync(join(root, 'b'), 'a file, where a folder is wanted');
  expect(() => writeService({ root, ...writing })).toThrow(/EEXIST|ENOTDIR/);
  expect(readFileSync(join(root, 'config.ts'), 'utf8')).toBe('before');
  expect(readdirSync(root, { recursive: true }).sort()).toEqual(['a', 'b', 'config.ts']);
});

test('a link that cannot be made takes the rest away again', () => {
  mkdirSync(join(root, 'b'));
  expect(() => writeService({ root, ...writing, link: { at: 'nowhere/link', to: 'a/new' } })).toThrow(
    'ENOENT',
  );
  expect(readdirSync(root, { recursive: true }).sort()).toEqual(['a', 'b', 'config.ts']);
});

test('a lockfile that npm did not write so is left alone', () => {
  const lock = { packages: { '': {}, 'node_modules/x': {} } };
  const text = `${JSON.stringify(lock, null, 2)}\n`;
  expect(Object.keys((JSON.parse(addToLockfile(text, 'new') ?? '') as typeof lock).packages)).toEqual([
    ...['', 'extracted/new', 'node_modules/@banyan/new', 'node_modules/x'],
  ]);
  expect(addToLockfile(JSON.stringify(lock), 'new')).toBeNull();
});
