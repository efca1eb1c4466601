import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { projectRoot } from './home.ts';

/** The README's commands are what the tests run: each npm script and each `banyan` command in it exists. */
test('every command in the README exists', () => {
  const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
  const { scripts } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const used = [...readme.matchAll(/npm (?:run ([\w:]+)|(test))/g)].map(
    (match) => match[1] ?? match[2] ?? '',
  );
  expect(used).toEqual(expect.arrayContaining(['walkthrough', 'test', 'setup', 'monolith']));
  for (const name of used) expect(Object.keys(scripts)).toContain(name);
  const help = execFileSync(process.execPath, [join(projectRoot, 'cli', 'bin', 'banyan.js'), '--help'], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const commands = [...help.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name);
  for (const [, name] of readme.matchAll(/npx banyan ([a-z]+)/g)) expect(commands).toContain(name);
});
