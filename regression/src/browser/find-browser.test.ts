import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrowserNotFoundError, findBrowser, type BrowserSearch } from './find-browser.ts';

let folder = '';
let own = '';
let named = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'find-browser-'));
  own = join(folder, 'own-browser');
  named = join(folder, 'named-browser');
  for (const file of [own, named, join(folder, 'google-chrome')]) {
    await writeFile(file, '#!/bin/sh\n', { mode: 0o755 });
  }
  await writeFile(join(folder, 'chromium'), 'not a program', { mode: 0o644 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A machine with everything; tests take things away. */
const machine = (): Required<BrowserSearch> => ({
  env: { BANYAN_BROWSER: named, PATH: `/nowhere:${folder}` },
  playwrightPath: () => Promise.resolve(own),
  unpack: () =>
    Promise.resolve({ executablePath: '/cache/chromium', env: { FONTCONFIG_FILE: '/cache/fonts' } }),
  asRoot: false,
});
const nothing = { env: { PATH: '/nowhere' }, playwrightPath: () => Promise.resolve(null) };

test('BANYAN_BROWSER wins over everything', async () => {
  expect(await findBrowser(machine())).toEqual({
    origin: 'environment',
    executablePath: named,
    args: [],
    env: {},
  });
});

test('a named browser that is not there is an error, not a reason to take another', async () => {
  const search = { ...machine(), env: { BANYAN_BROWSER: '/nowhere/chrome', PATH: folder } };
  await expect(findBrowser(search)).rejects.toThrow(/BANYAN_BROWSER=\/nowhere\/chrome/);
});

test('the first program of the PATH is next; a file that cannot be run is passed over', async () => {
  const found = await findBrowser({ ...machine(), env: { PATH: `/nowhere:${folder}` } });
  expect(found).toMatchObject({ origin: 'system', executablePath: join(folder, 'google-chrome') });
});

test("then Playwright's own, then the one of the npm package with its fonts", async () => {
  const search = { ...machine(), env: { PATH: '/nowhere' } };
  expect(await findBrowser(search)).toMatchObject({ origin: 'playwright', executablePath: own });
  expect(await findBrowser({ ...machine(), ...nothing })).toEqual({
    origin: 'npm-package',
    executablePath: '/cache/chromium',
    args: ['--no-sandbox'],
    env: { FONTCONFIG_FILE: '/cache/fonts' },
  });
});

test('as root the sandbox is left out', async () => {
  expect((await findBrowser({ ...machine(), asRoot: true })).args).toEqual(['--no-sandbox']);
});

test('with no browser at all the error tells every place tried and how to mend it', async () => {
  const unpack = () => Promise.reject(new Error('this is plan9'));
  const attempt = findBrowser({ ...machine(), ...nothing, unpack });
  await expect(attempt).rejects.toBeInstanceOf(BrowserNotFoundError);
  await expect(attempt).rejects.toThrow(
    /this is plan9[^]*npx playwright install chromium[^]*BANYAN_BROWSER=/,
  );
});
