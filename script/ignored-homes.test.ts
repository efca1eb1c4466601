import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ESLint } from 'eslint';
import { getFileInfo } from 'prettier';

const root = join(import.meta.dirname, '..');
/** What jest does not read, of its configuration: that is plain JavaScript, which TypeScript knows nothing of. */
async function jestIgnores(): Promise<(path: string) => boolean> {
  const { default: config } = (await import(join(root, 'jest.config.js'))) as {
    default: { modulePathIgnorePatterns: string[] };
  };
  const patterns = config.modulePathIgnorePatterns.map(
    (pattern) => new RegExp(pattern.replace('<rootDir>', root.replaceAll(/[.+]/g, '\\$&'))),
  );
  return (path) => patterns.some((pattern) => pattern.test(join(root, path)));
}

/** The home, one put aside by an earlier version, one of another stack; with a secret, a JSON file, a test. */
const files = ['.banyan', '.banyan.2026-11-27T10-00-00-000Z', '.banyan-kafka'].flatMap((home) =>
  ['secrets/session.secret', 'run.json', 'copied.test.ts'].map((file) => `${home}/${file}`),
);

test('git adds nothing of any home', async () => {
  // Prettier reads this file as git does, and is here without git.
  for (const file of files) {
    const { ignored } = await getFileInfo(join(root, file), { ignorePath: join(root, '.gitignore') });
    expect([file, ignored]).toEqual([file, true]);
  }
});

test('prettier, ESLint, jest and docker read nothing of any home', async () => {
  const eslint = new ESLint({ cwd: root });
  const ignores = await jestIgnores();
  for (const file of files) {
    const path = join(root, file);
    const { ignored } = await getFileInfo(path, { ignorePath: join(root, '.prettierignore') });
    expect([file, ignored]).toEqual([file, true]);
    expect([file, await eslint.isPathIgnored(path)]).toEqual([file, true]);
    expect([file, ignores(file)]).toEqual([file, true]);
  }
  expect(readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')).toContain('**/.banyan*');
});

test('jest still reads the rest, though its name be alike', async () => {
  const ignores = await jestIgnores();
  expect(ignores('migrations/banyan/index.ts')).toBe(false);
  expect(ignores('cli/src/home.test.ts')).toBe(false);
});
