import { expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const PACKAGES =
  'bench|cdc|cli|contracts|control|extracted|kit|migrations|monolith|postgres|regression|script|service|strangler-proxy';

/** Files that texts name by their path from the root of the tree; code and compose files start some of them. */
test('every file and folder of ours that the documents and the compose file name is there', () => {
  const texts = execFileSync('git', ['ls-files', '*.md', 'docker-compose.yml', 'Dockerfile'], {
    cwd: root,
    encoding: 'utf8',
  });
  const missing = texts
    .split('\n')
    // The changelog tells of files as they were then.
    .filter((text) => text !== '' && text !== 'CHANGELOG.md')
    .flatMap((text) =>
      [...readFileSync(join(root, text), 'utf8').matchAll(/[`'"]([^`'"\s]+)[`'"]/g)]
        .map(([, path = '']) => path)
        .filter((path) => new RegExp(`^(${PACKAGES})/[\\w./-]+$`).test(path) && !existsSync(join(root, path)))
        .map((path) => `${text}: ${path}`),
    );
  expect(missing).toEqual([]);
});
