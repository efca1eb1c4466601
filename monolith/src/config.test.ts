import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig, readSessionSecret } from './config.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shop-config-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('needs nothing but the database', () => {
  const config = readConfig({ DATABASE_URL: 'postgres://u@h/d' });
  expect(config).toMatchObject({
    HOST: '127.0.0.1',
    PORT: 3000,
    TRUST_PROXY: 'loopback',
    SEED: true,
    SEED_PRODUCTS: 120,
  });
});

test('names every wrong variable at once and repeats no value', () => {
  const read = () =>
    readConfig({ DATABASE_URL: 'mysql://secret', PORT: '70000', SESSION_SECRET: 'tooshort', SEED: 'yes' });
  for (const part of ['DATABASE_URL', 'PORT', 'SESSION_SECRET', 'SEED']) expect(read).toThrow(part);
  expect(read).not.toThrow(/mysql|tooshort/);
});

test('makes a secret that only the owner can read, once, also when two ask at once', async () => {
  const SESSION_SECRET_FILE = join(folder, 'deep', 'secret');
  const [one, two] = await Promise.all([
    readSessionSecret({ SESSION_SECRET_FILE, SESSION_SECRET: undefined }),
    readSessionSecret({ SESSION_SECRET_FILE, SESSION_SECRET: undefined }),
  ]);
  expect(one).toBe(two);
  expect(one.length).toBeGreaterThanOrEqual(32);
  expect((await stat(SESSION_SECRET_FILE)).mode & 0o777).toBe(0o600);
  expect(await readFile(SESSION_SECRET_FILE, 'utf8')).toBe(one);
});

test('refuses a secret file that holds none', async () => {
  const SESSION_SECRET_FILE = join(folder, 'empty');
  await writeFile(SESSION_SECRET_FILE, '');
  await expect(readSessionSecret({ SESSION_SECRET_FILE, SESSION_SECRET: undefined })).rejects.toThrow(
    'no secret',
  );
});
