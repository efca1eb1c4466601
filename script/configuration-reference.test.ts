import { expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { referenceFile } from './configuration-reference.ts';

const root = join(import.meta.dirname, '..');

test('the reference is as `npm run reference` writes it, and every key says what it is', () => {
  const program = `import { formattedReference } from './script/configuration-reference.ts'; console.log(await formattedReference());`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
  const made = execFileSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  expect(readFileSync(referenceFile, 'utf8').trim()).toBe(made.trim());
  const silent = made.split('\n').filter((line) => /^\|.*\|\s*\|$/.test(line) && !line.includes('---'));
  expect(silent).toEqual([]);
});
