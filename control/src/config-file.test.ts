import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { BanyanConfigError } from '@banyan/contracts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestSlice } from '../testing/fake-feed.ts';
import { loadConfigFile } from './config-file.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'banyan-config-'));
  file = join(folder, 'banyan.config.ts');
  await writeFile(file, '');
});
afterEach(() => rm(folder, { recursive: true }));

const serviceUrls = { reviews: 'http://127.0.0.1:4001' };
async function problemsOf(exported: object, urls: Record<string, string> = serviceUrls): Promise<string> {
  const importModule = (): Promise<unknown> => Promise.resolve(exported);
  try {
    await loadConfigFile({ file, serviceUrls: urls, importModule });
    return 'none';
  } catch (error) {
    if (error instanceof BanyanConfigError) return error.message;
    throw error;
  }
}

test('a right file gives its slices with defaults', async () => {
  const slice = createTestSlice();
  const importModule = (): Promise<unknown> => Promise.resolve({ config: { slices: [slice] } });
  const { config } = await loadConfigFile({ file, serviceUrls, importModule });
  expect(config).toMatchObject({
    slices: [slice],
    monolithDeadlineMs: 30_000,
    serviceDeadlinesMs: { reviews: 2_000 },
    notices: [expect.stringMatching(/export default/), expect.stringMatching(/slices\.0 is a bare slice/)],
    paths: { trailingSlash: 'same' },
    visitors: { identity: [], keys: ['visitor-cookie'], withoutKey: 'monolith' },
  });
});

test('every mistake is told at once, with the file', async () => {
  const wrong = { ...createTestSlice(), name: 'Reviews!', routes: [{ path: 'products' }] };
  const text = await problemsOf({ config: { slices: [wrong], serviceDeadlineMs: -1, colour: 'red' } });
  for (const part of [file, 'serviceDeadlineMs', 'colour', 'slices.0.name', 'slices.0.routes.0.path']) {
    expect(text).toContain(part);
  }
  expect(text).toContain('slice "Reviews!" has no service: SERVICE_URLS names reviews; add Reviews!=http');
  expect(text).toContain('SERVICE_URLS names "reviews", which is no slice; slices: Reviews!');
});

describe('refuses', () => {
  test.each<[string, object, string]>([
    ['a file without config', { slices: [] }, 'it exports no configuration'],
    ['no slices', { config: {} }, 'slices'],
    ['no slice', { config: { slices: [] } }, 'at least one slice'],
    ['a slice that is none', { config: { slices: [null] } }, 'slices.0: wanted what defineSlice() returns'],
  ])('%s', async (_what, exported, problem) => {
    expect(await problemsOf(exported)).toContain(problem);
  });

  test('slices that claim the same table, route or name: they move together or not at all', async () => {
    const slices = [createTestSlice(), { ...createTestSlice(), title: 'Again' }];
    const text = await problemsOf({ config: { slices } });
    expect(text).toContain('the name "reviews" is claimed by reviews and reviews');
    expect(text).toContain('the owned table public.reviews is claimed by');
    expect(text).toContain('the route GET /products/:*/reviews is claimed by');
  });

  test('a file that is not there, and one that cannot be loaded', async () => {
    await expect(loadConfigFile({ file: join(folder, 'no.ts'), serviceUrls })).rejects.toThrow(
      'cannot be read',
    );
    const importModule = (): Promise<unknown> => Promise.reject(new SyntaxError('Unexpected token'));
    await expect(loadConfigFile({ file, serviceUrls, importModule })).rejects.toThrow(
      'it cannot be loaded: Unexpected token',
    );
  });
});
