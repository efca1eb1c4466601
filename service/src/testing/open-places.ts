import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OPEN_MARK } from '../not-written.ts';

async function filesOf(path: string): Promise<readonly string[]> {
  if (!(await stat(path)).isDirectory()) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.includes('/node_modules/'));
}

/**
 * What a person has still to write: `file:line: what`, files from the current folder.
 *
 * @param places Files, and folders with all that is below them.
 */
export async function openPlaces(places: readonly URL[]): Promise<readonly string[]> {
  const files = (await Promise.all(places.map((place) => filesOf(fileURLToPath(place))))).flat();
  const found = files.map(async (file) => {
    const lines = (await readFile(file, 'utf8')).split('\n');
    return lines.flatMap((line, index) => {
      const at = line.search(/TODO\(banyan\)|\bnotWritten\(/);
      if (at < 0) return [];
      return [
        `${relative(process.cwd(), file)}:${index + 1}: ${line.slice(at).replace(`${OPEN_MARK}: `, '')}`,
      ];
    });
  });
  return (await Promise.all(found)).flat();
}
