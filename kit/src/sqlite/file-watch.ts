import type { Knex } from 'knex';
import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '../log.ts';
import { openSqliteFile } from './open-file.ts';
import { retryWhileBusy } from './transaction.ts';

/** Between two looks. */
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

export interface FileWatchOptions {
  /** Path; the file is there. */
  readonly file: string;
  /** For people, e.g. `the store of reviews`. */
  readonly name: string;
  readonly logger: Logger;
  /** Between two looks, milliseconds. Default 3,000. */
  readonly intervalMs?: number;
}

/**
 * Looks at a SQLite file again and again, so that a store that cannot be written, a disk that is full and a file that
 * was replaced are known before somebody needs it: by its identity, by the free space, and by writing to it over a
 * connection of its own (the header's `user_version`, which nothing else uses, on the disk before it counts).
 *
 * @throws the driver's error when the file cannot be opened.
 * @example
 * const watch = await watchFile({ file: '.banyan/control.sqlite', name: 'the store', logger });
 */
export async function watchFile(options: FileWatchOptions): Promise<FileWatch> {
  const identity = identityOf(await stat(options.file));
  return new SqliteFileWatch(options, { knex: await openSqliteFile({ file: options.file }), identity });
}

class SqliteFileWatch implements FileWatch {
  readonly #options: FileWatchOptions;
  readonly #knex: Knex;
  readonly #identity: string;
  readonly #timer: NodeJS.Timeout;
  #problems: readonly string[] = [];
  #looking: Promise<void> | null = null;
  #writing: Promise<string | null> | null = null;
  #beat = 0;
  #closed: Promise<void> | undefined;

  constructor(
    options: FileWatchOptions,
    { knex, identity }: { readonly knex: Knex; readonly identity: string },
  ) {
    this.#options = options;
    this.#knex = knex;
    this.#identity = identity;
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

  close(): Promise<void> {
    this.#closed ??= (async () => {
      clearInterval(this.#timer);
      await this.#looking;
      await this.#knex.destroy();
    })();
    return this.#closed;
  }

  async #look(): Promise<void> {
    const { name, logger } = this.#options;
    const found = [await this.#replaced(), await this.#unwritable(), await this.#full()];
    const problems = found.filter((problem) => problem !== null).map((problem) => `${name} ${problem}`);
    // The number of free bytes changes all the time; that it is full is said once.
    if (problems.length > this.#problems.length)
      logger.error({ problems }, 'a file that is needed has a problem');
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
    const { file } = this.#options;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = null;
    });
    const failure = await Promise.race([this.#writing, afterwards(WRITE_PATIENCE_MS)]);
    return failure === null ? null : `cannot be written (${file}): ${failure}`;
  }

  async #write(): Promise<string | null> {
    this.#beat = (this.#beat + 1) % 2_000_000_000;
    try {
      await retryWhileBusy(() => this.#knex.raw(`PRAGMA user_version = ${this.#beat}`));
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
      return free < limit
        ? `lies on a full disk (${dirname(file)}): ${free.toLocaleString('en-US')} bytes are free`
        : null;
    } catch {
      return null; // its folder is gone: said above
    }
  }
}

function identityOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`;
}

/** Resolves with what a try to write is told that has not ended. */
function afterwards(ms: number): Promise<string> {
  return new Promise((resolve) => {
    setTimeout(
      () => resolve(`no answer of the disk, or a lock of another process, for ${ms} ms`),
      ms,
    ).unref();
  });
}
