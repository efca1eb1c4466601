import {
  chmodSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** Kept from run to run, and open to every account: what is made in it is made under a name nobody can foresee. */
const SHARED_FOLDER = '/var/tmp';
const OPEN_TO_WRITERS = 0o022;

/** A folder for root's use is not root's alone. The message says which, and how to mend it. */
export class PlaceNotOursError extends Error {
  readonly code = 'place-not-ours';
  override readonly name = 'PlaceNotOursError';
}

/** True when every folder above `path` (and `path` itself) may be entered by any account. */
export function isOpenToOthers(path: string): boolean {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (existsSync(folder) && (statSync(folder).mode & constants.S_IXOTH) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** What makes a folder one that others could have made or changed; null when nothing does. */
function fault(path: string): string | null {
  const found = lstatSync(path);
  if (!found.isDirectory()) return 'it is no folder';
  if (found.uid !== process.getuid?.()) return `it belongs to account ${found.uid}`;
  const mode = (found.mode & 0o777).toString(8);
  return (found.mode & OPEN_TO_WRITERS) === 0 ? null : `others may write to it (mode ${mode})`;
}

/**
 * The folder of our own that `note` names; without a note null.
 *
 * @throws PlaceNotOursError when others could have made it.
 */
export function readOwnPlace(note: string): string | null {
  if (!existsSync(note)) return null;
  const folder = readFileSync(note, 'utf8').trim();
  if (!existsSync(folder)) return null; // tidied away
  const found = fault(folder);
  if (found === null) return folder;
  throw new PlaceNotOursError(
    `The folder ${folder}, which ${note} names, may have been made by others: ${found}. Nothing is run from it. ` +
      `Look at it, and to have a new one made: rm ${note}`,
  );
}

/** A new folder of our own that other accounts can enter and cannot write to. `note` is not written yet. */
export function makeOwnPlace(): string {
  const folder = mkdtempSync(join(SHARED_FOLDER, 'banyan-'));
  chmodSync(folder, 0o711);
  return folder;
}

/** From now on `readOwnPlace(note)` gives `folder`. */
export function noteOwnPlace(note: string, folder: string): void {
  mkdirSync(dirname(note), { recursive: true, mode: 0o755 });
  writeFileSync(note, `${folder}\n`, { mode: 0o600 });
}
