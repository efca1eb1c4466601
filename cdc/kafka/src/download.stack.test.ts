import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { downloadKafka } from './download.ts';

let cacheDir: string;
beforeEach(() => {
  cacheDir = mkdtempSync(join(tmpdir(), 'banyan-download-'));
});
afterEach(() => {
  rmSync(cacheDir, { recursive: true, force: true });
});

test('a download that is ended half-way leaves nothing that is taken for whole; the next one is', async () => {
  // What a killed process would have left: its number is free again, or never was one.
  const leftover = join(cacheDir, 'partial-99999999-abcd');
  mkdirSync(join(leftover, 'lib'), { recursive: true });
  writeFileSync(join(leftover, 'lib', 'half.jar'), 'PK');
  const enough = new AbortController();
  const ended = downloadKafka({ cacheDir, signal: enough.signal });
  const outcome = expect(ended).rejects.toThrow('enough');
  while (
    !readdirSync(cacheDir).some(
      (name) => existsSync(join(cacheDir, name, 'lib')) && name !== 'partial-99999999-abcd',
    )
  )
    await new Promise((resolve) => setTimeout(resolve, 20));
  enough.abort(new Error('enough'));
  await outcome;
  expect(readdirSync(cacheDir)).toEqual([]);

  const [one, two] = await Promise.all([downloadKafka({ cacheDir }), downloadKafka({ cacheDir })]);
  expect(one).toEqual(two);
  expect(readdirSync(one.pluginsDir)).toEqual(['debezium-connector-postgres']);
  expect(readdirSync(join(one.classPath, '..')).length).toBeGreaterThan(40);
  expect(readdirSync(cacheDir)).toHaveLength(1);
});
