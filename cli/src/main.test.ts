import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { projectRoot } from './home.ts';

const home = mkdtempSync(join(tmpdir(), 'banyan-cli-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function banyan(...args: readonly string[]): { code: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(projectRoot, 'cli', 'bin', 'banyan.js'), ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', BANYAN_HOME: home, BANYAN_CONTROL_URL: '' },
    },
  );
  return { code: status, text: stdout + stderr };
}

test('--version prints the version', () => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'cli', 'package.json'), 'utf8')) as {
    version: string;
  };
  expect(banyan('--version')).toEqual({ code: 0, text: `${version}\n` });
});

test.each([
  [0, ['--help']],
  [0, ['up', '--help']],
  [0, ['sync', 'errors', '--help']],
  [0, ['bus', 'read', '--help']],
  [0, ['new', 'service', '--help']],
  [2, ['no-such-command']],
  [2, ['route', 'reviews']],
  [2, ['new', 'service', 'x', '--tables', 'a.b', '--routes', '/x', '--columns', 'a.b']],
  [3, ['new', 'service', 'x', '--tables', 'a.b', '--routes', '/x']],
  [3, ['status']],
  [3, ['pid', 'reviews']],
])('every command that is shown can be typed as it is: exit %d, %j', (code, args) => {
  const shown = banyan(...args);
  expect(shown.code).toBe(code);
  expect(shown.text).toContain('npx banyan');
  expect(shown.text).not.toMatch(/(?<!npx )\bbanyan [a-z[]/);
});
