import { expect, test } from '@jest/globals';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PersistentFile } from './persistent-file.ts';

test('what cannot be written ends nothing, and is written once it can be, with the newest text', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-persistent-'));
  const said: string[] = [];
  const folder = join(dir, 'not-yet');
  const file = new PersistentFile(join(folder, 'run.json'), (line) => said.push(line));
  try {
    file.write('first');
    file.write('second');
    mkdirSync(folder);
    while (!existsSync(join(folder, 'run.json'))) await sleep(20);
    expect(readFileSync(join(folder, 'run.json'), 'utf8')).toBe('second');
    file.write('third');
    expect(readFileSync(join(folder, 'run.json'), 'utf8')).toBe('third');
    expect(said).toEqual([
      expect.stringMatching(/run\.json cannot be written: .*ENOENT/),
      expect.stringMatching(/run\.json is written again/),
    ]);
    expect(readdirSync(folder)).toEqual(['run.json']); // nothing half-written beside it
  } finally {
    file.close();
    rmSync(dir, { recursive: true });
  }
});
