import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Keeps the last routes snapshot on disk, for a start while the control plane is down. */
export interface SnapshotFile {
  /** The file's text; null without a file. */
  load(): Promise<string | null>;
  /** Replaces the file as a whole: after a crash there is the old text or the new, never half of one. */
  save(text: string): Promise<void>;
}

/** A snapshot file on the local disk. @param path Its folder is made when missing. */
export function createSnapshotFile(path: string): SnapshotFile {
  let saving: Promise<void> = Promise.resolve();

  async function replace(text: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.${process.pid}.tmp`;
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync(); // 1. the bytes are on disk, 2. then the name points to them
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  return {
    async load() {
      try {
        return await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    save(text) {
      const next = saving.catch(() => undefined).then(() => replace(text)); // its own caller heard of that failure
      saving = next;
      return next;
    },
  };
}
