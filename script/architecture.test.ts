import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = join(import.meta.dirname, '..');
const page = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8');

interface Step {
  readonly file: string;
  /** The file that it stands under, and the one that it follows in the same list. */
  readonly neighbours: readonly string[];
}

/** The steps of a trace, a nested list for each process that it passes through. */
function traceOf(heading: string): Step[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading));
  if (section === undefined) throw new Error(`ARCHITECTURE.md has no section "${heading}"`);
  return section
    .split(/^### /m)
    .slice(1)
    .flatMap((process) => {
      const last: string[] = [];
      return [...process.matchAll(/^( *)\d+\. `([^`]+\.ts)`/gm)].map(([, indent = '', file = '']) => {
        const depth = indent.length / 3;
        const neighbours = [last[depth], last[depth - 1]].filter((name) => name !== undefined);
        last.length = depth;
        last[depth] = file;
        return { file, neighbours };
      });
    });
}

/** Whether one file imports another, by its path or by the package that the other is of. */
function knows(from: string, to: string): boolean {
  const text = readFileSync(join(root, from), 'utf8');
  return [...text.matchAll(/(?:from|import\() ?'([^']+)'/g)].some(([, specifier = '']) => {
    if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(from), specifier)) === to;
    return specifier.startsWith('@banyan/') && to.startsWith(`${specifier.split('/')[1] ?? ''}/`);
  });
}

describe.each([
  ['One request', 14],
  ['One changed row', 15],
])('the trace of "%s"', (heading, limit) => {
  const steps = traceOf(heading);

  test('names files that are there, and few of them', () => {
    const files = new Set(steps.map(({ file }) => file));
    expect(files.size).toBeGreaterThan(4);
    expect(files.size).toBeLessThan(limit);
    expect([...files].filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test('goes within one process from a file to one that it imports, or that imports it', () => {
    const leaps = steps.filter(
      ({ file, neighbours }) =>
        neighbours.length > 0 && !neighbours.some((other) => knows(other, file) || knows(file, other)),
    );
    expect(leaps).toEqual([]);
  });
});
