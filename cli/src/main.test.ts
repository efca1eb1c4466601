import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { projectRoot } from './home.ts';

const home = mkdtempSync(join(tmpdir(), 'banyan-cli-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function banyan(...args: readonly string[]): { code: number | null; text: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(projectRoot, 'cli', 'bin', 'banyan.js'), ...args],
    {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', BANYAN_HOME: home, BANYAN_CONTROL_URL: '' },
    },
  );
  return { code: status, text: stdout + stderr, stderr };
}

test('--version prints the version', () => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'cli', 'package.json'), 'utf8')) as {
    version: string;
  };
  expect(banyan('--version')).toEqual({ code: 0, text: `${version}\n`, stderr: '' });
});

test.each([
  [0, ['--help']],
  [0, ['up', '--help']],
  [0, ['quarantine', 'list', '--help']],
  [0, ['sync', 'errors', '--help']],
  [0, ['bus', 'read', '--help']],
  [2, ['no-such-command']],
  [2, ['route', 'reviews']],
  [3, ['status']],
  [3, ['pid', 'reviews']],
])('every command that is shown can be typed as it is: exit %d, %j', (code, args) => {
  const shown = banyan(...args);
  expect(shown.code).toBe(code);
  expect(shown.text).toContain('npx banyan');
  expect(shown.text).not.toMatch(/(?<!npx )\bbanyan [a-z[]/);
});

describe('banyan sync', () => {
  test.each([
    [['errors', 'reviews'], 'list'],
    [['retry', 'reviews', '--all'], 'retry'],
    [['skip', 'reviews', '--key', '17', '--reason', 'r'], 'skip'],
  ] as const)('%j goes on as banyan quarantine %s, which it names on stderr', (args, verb) => {
    const old = banyan('sync', ...args, '--json');
    const now = banyan('quarantine', verb, ...args.slice(1), '--json');
    const notice = `notice: npx banyan sync ${args[0]} is now npx banyan quarantine ${verb}\n`;
    expect([old.code, old.stderr, old.text]).toEqual([3, notice, now.text + notice]);
    expect([now.code, now.stderr, now.text]).toEqual([3, '', expect.stringContaining('not-running')]);
  });

  test('is left out of the list of commands, and quarantine is in it', () => {
    const { text } = banyan('--help');
    expect(text).toMatch(/^ +quarantine +records that a service could not apply/m);
    expect(text).not.toMatch(/^ +sync /m);
  });
});
