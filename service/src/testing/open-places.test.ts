import { expect, test } from '@jest/globals';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { notWritten } from '../not-written.ts';
import { openPlaces } from './open-places.ts';

test('finds what is left to write in files and in folders, each with its line', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'open-places-'));
  const at = (name: string): string => relative(process.cwd(), join(folder, name));
  try {
    await mkdir(join(folder, 'src', 'deep'), { recursive: true });
    await writeFile(join(folder, 'src', 'deep', 'store.ts'), 'a\n  // TODO(banyan): the query\n');
    await writeFile(join(folder, 'src', 'code.ts'), '  find: () =>\n    notWritten("find", {}),\n');
    await writeFile(join(folder, 'api.yaml'), '# TODO(banyan): the schema\n');
    const places = ['src/', 'api.yaml'].map((name) => pathToFileURL(join(folder, name)));
    expect([...(await openPlaces(places))].sort()).toEqual(
      [
        `${at('src/deep/store.ts')}:2: the query`,
        `${at('src/code.ts')}:2: notWritten("find", {}),`,
        `${at('api.yaml')}:1: the schema`,
      ].sort(),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('what is asked for and not written fails, and says what is at hand', async () => {
  await expect(notWritten('findLevel', { readers: 1, slug: 2 })).rejects.toMatchObject({
    code: 'not-written',
    message: 'TODO(banyan): findLevel is not written yet; at hand: readers, slug',
  });
});
