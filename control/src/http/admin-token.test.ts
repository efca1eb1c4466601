import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAdminToken } from './admin-token.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-token-'));
  file = join(folder, 'admin.token');
});
afterEach(() => rm(folder, { recursive: true }));

test('makes a token that only the owner can read, once, also when two start together', async () => {
  const tokens = await Promise.all([loadAdminToken(file), loadAdminToken(file), loadAdminToken(file)]);
  expect(new Set([...tokens, await loadAdminToken(file)]).size).toBe(1);
  expect(tokens[0].length).toBeGreaterThanOrEqual(43);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['admin.token']);
});

test.each([0o640, 0o604, 0o660])(
  'refuses a file that others can read (%i), and says how to mend it',
  async (mode) => {
    await loadAdminToken(file);
    await chmod(file, mode);
    await expect(loadAdminToken(file)).rejects.toThrow(`got ${mode.toString(8)}`);
    await expect(loadAdminToken(file)).rejects.toThrow('chmod 600');
  },
);

test('refuses a file without a token', async () => {
  await writeFile(file, 'x\n', { mode: 0o600 });
  await expect(loadAdminToken(file)).rejects.toThrow('holds 1 characters');
});
