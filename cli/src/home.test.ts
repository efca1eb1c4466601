import { afterAll, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configFile, openHome, sampleConfigFile } from './home.ts';

const dir = mkdtempSync(join(tmpdir(), 'banyan-user-'));
afterAll(() => rmSync(dir, { recursive: true }));

test('the state lies beside the user’s declaration, wherever in his tree a command is typed', () => {
  const deep = join(dir, 'mine', 'src', 'deep');
  const file = join(dir, 'mine', 'banyan.config.ts');
  mkdirSync(deep, { recursive: true });
  writeFileSync(file, '');
  expect(configFile({}, deep)).toBe(file);
  expect(openHome({}, deep).dir).toBe(join(dir, 'mine', '.banyan'));
  // Without one of his own he tries the sample, and still finds its state where he is.
  expect(configFile({}, dir)).toBe(sampleConfigFile);
  expect(openHome({}, dir).dir).toBe(join(dir, '.banyan'));
});

test('variables name other places, from where he is', () => {
  const env = { BANYAN_CONFIG: 'other/banyan.config.ts', BANYAN_HOME: '' };
  expect(configFile(env, dir)).toBe(join(dir, 'other', 'banyan.config.ts'));
  expect(openHome(env, dir).dir).toBe(join(dir, 'other', '.banyan'));
  expect(openHome({ ...env, BANYAN_HOME: 'state' }, dir).dir).toBe(join(dir, 'state'));
});
