import { chmodSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** What is written, all of it or nothing. */
export interface Writing {
  /** Folder of banyan.config.ts. */
  readonly root: string;
  /** None of these is there before. */
  readonly folders: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  /** Files that are there, with their new text. */
  readonly changed: Readonly<Record<string, string>>;
  /** A link to make, and where it leads; null for none. */
  readonly link: { readonly at: string; readonly to: string } | null;
}

/** @throws what the file system throws; what was written until then is taken away again. */
export function writeService({ root, folders, files, changed, link }: Writing): void {
  const aside = (name: string): string => join(root, `${name}.new`);
  try {
    for (const [name, text] of Object.entries(files)) writeFile(root, name, text);
    for (const [name, text] of Object.entries(changed)) {
      writeFileSync(aside(name), text);
      chmodSync(aside(name), statSync(join(root, name)).mode & 0o777);
    }
    if (link) symlinkSync(relative(dirname(join(root, link.at)), join(root, link.to)), join(root, link.at));
    // Whatever names the service comes last: until here nothing knows of it.
    for (const name of Object.keys(changed)) renameSync(aside(name), join(root, name));
  } catch (error) {
    for (const name of [...folders, ...(link ? [link.at] : [])]) {
      rmSync(join(root, name), { recursive: true, force: true });
    }
    for (const name of Object.keys(changed)) rmSync(aside(name), { force: true });
    throw error;
  }
}

/** As open to others as the folder that it is in: the command's own umask is for secrets. */
function writeFile(root: string, name: string, text: string): void {
  const mode = statSync(root).mode & 0o777;
  let folder = root;
  for (const part of dirname(name).split('/')) {
    folder = join(folder, part);
    if (mkdirSync(folder, { recursive: true }) !== undefined) chmodSync(folder, mode);
  }
  writeFileSync(join(root, name), text, { flag: 'wx' });
  chmodSync(join(root, name), mode & 0o666);
}
