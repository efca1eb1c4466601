import type { Knex } from 'knex';
import { statSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '@banyan/kit';
import { retryWhileBusy } from './transaction.ts';

const INTERVAL_MS = 3_000;
/** A try to write that takes longer than this is a problem of its own, milliseconds. */
const WRITE_PATIENCE_MS = 5_000;
/** Less free than this, and less than a fiftieth of the disk, is a full disk: bytes. */
const FULL_BELOW_BYTES = 16 * 1024 * 1024;
const FULL_BELOW_SHARE = 0.02;

/** Watches a SQLite file that a process keeps open. */
export interface FileWatch {
  /** What is wrong with it now, for people; empty when nothing is, and before the first look. */
  problems(): readonly string[];
  /** Looks at once. Does not throw. */
  look(): Promise<void>;
  /** Idempotent. */
  close(): Promise<void>;
}

/**
 * Looks at a SQLite file every three seconds, so that a store that cannot be written, a disk that is full and a file that was
 * replaced are known before somebody needs it: by its identity, by the free space, and by writing (the header's
 * `user_version`, which nothing else uses, on the disk before it counts).
 *
 * @param options.knex The writing connection; null looks at the file alone.
 * @param options.name For people, e.g. `the store of reviews`.
 */
export function watchFile(options: {
  readonly file: string;
  readonly name: string;
  readonly knex: Knex | null;
  readonly logger: Logger;
  /** Default 3,000. */
  readonly intervalMs?: number;
}): FileWatch {
  return new SqliteFileWatch(options);
}

type WatchOptions = Parameters<typeof watchFile>[0];

class SqliteFileWatch implements FileWatch {
  readonly #options: WatchOptions;
  readonly #identity: string | null;
  readonly #timer: NodeJS.Timeout;
  #problems: readonly string[] = [];
  #looking: Promise<void> | null = null;
  #writing: Promise<string | null> | null = null;
  #beat = 0;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#identity = identityOf(statSync(options.file, { throwIfNoEntry: false }) ?? null);
    this.#timer = setInterval(() => void this.look(), options.intervalMs ?? INTERVAL_MS);
    this.#timer.unref();
  }

  problems(): readonly string[] {
    return this.#problems;
  }

  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await this.#writing;
  }

  async #look(): Promise<void> {
    const { name, logger } = this.#options;
    const found = [await this.#replaced(), await this.#unwritable(), await this.#full()];
    const problems = found.filter((problem) => problem !== null).map((problem) => `${name} ${problem}`);
    // The number of free bytes changes all the time; that it is full is said once.
    if (problems.length > this.#problems.length) logger.error({ problems }, 'a file that is needed has a problem');
    if (problems.length === 0 && this.#problems.length > 0) logger.info({ name }, 'its problem is over');
    this.#problems = problems;
  }

  async #replaced(): Promise<string | null> {
    const { file } = this.#options;
    const now = await stat(file).then(identityOf, () => null);
    if (now === this.#identity) return null;
    const what = now === null ? 'is gone' : 'was replaced by another file';
    return `${what} (${file}): what is written now is lost at the next start; put it back, or restart Banyan, which copies anew`;
  }

  async #unwritable(): Promise<string | null> {
    const { file, knex } = this.#options;
    if (!knex) return null;
    this.#writing ??= this.#write(knex).finally(() => {
      this.#writing = null;
    });
    const failure = await Promise.race([this.#writing, afterwards(WRITE_PATIENCE_MS)]);
    return failure === null ? null : `cannot be written (${file}): ${failure}`;
  }

  async #write(knex: Knex): Promise<string | null> {
    this.#beat = (this.#beat + 1) % 2_000_000_000;
    try {
      await retryWhileBusy(() => knex.raw(`PRAGMA user_version = ${this.#beat}`));
      return null;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return text.slice(Math.max(0, text.lastIndexOf('SQLITE_')));
    }
  }

  async #full(): Promise<string | null> {
    const { file } = this.#options;
    try {
      const { bavail, bsize, blocks } = await statfs(dirname(file));
      const free = bavail * bsize;
      const limit = Math.min(FULL_BELOW_BYTES, blocks * bsize * FULL_BELOW_SHARE);
      return free < limit ? `lies on a full disk (${dirname(file)}): ${free.toLocaleString('en-US')} bytes are free` : null;
    } catch {
      return null; // its folder is gone: said above
    }
  }
}

function identityOf(found: { readonly dev: number; readonly ino: number } | null): string | null {
  return found && `${found.dev}:${found.ino}`;
}

/** Resolves with what a try to write is told that has not ended. */
function afterwards(ms: number): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(`no answer of the disk, or a lock of another process, for ${ms} ms`), ms).unref();
  });
}
