import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');

/** The files of a trace, one list for each process that it passes through. */
function traceOf(heading: string): string[][] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading));
  if (section === undefined) throw new Error(`ARCHITECTURE.md has no section "${heading}"`);
  return section
    .split(/^### /m)
    .slice(1)
    .map((process) => [...process.matchAll(/^\d+\. `([^`]+\.ts)`/gm)].map(([, file = '']) => file));
}

/** Files that a file imports, by their paths from the root; of other packages' exports, the file behind each. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [...text.matchAll(/(?:from|import\() ?'([^']+)'/g)].flatMap(([, specifier = '']) => {
    if (!specifier.startsWith('.')) return [];
    return [relative(root, resolve(root, dirname(file), specifier))];
  });
}

describe.each([
  ['One request', 10],
  ['One changed row', 15],
])('the trace of "%s"', (heading, limit) => {
  const processes = traceOf(heading);

  test('names files that are there, and few of them', () => {
    const files = processes.flat();
    expect(files.length).toBeGreaterThan(4);
    expect(new Set(files).size).toBeLessThan(limit);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test('goes from a file to one that it imports, or that imports it, within one process', () => {
    const leaps = processes.flatMap((files) =>
      files.slice(1).flatMap((file, i) => {
        const before = files[i] ?? '';
        const areNeighbours = importsOf(before).includes(file) || importsOf(file).includes(before);
        return areNeighbours ? [] : [`${before} -> ${file}`];
      }),
    );
    expect(leaps).toEqual([]);
  });
});
