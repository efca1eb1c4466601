import type { Closable } from './lifecycle.ts';

/**
 * What has been opened so far, the last one first to be closed. Fill it while starting: when a later part cannot be opened,
 * `close()` gives back everything before it.
 *
 * @example
 * const parts = new OpenParts();
 * const store = parts.add(await openStore());
 */
export class OpenParts implements Closable {
  #parts: Closable[] = [];
  #closed: Promise<void> | undefined;

  /** @returns the part. */
  add<T extends Closable>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  /**
   * Closes each part, one after another. One that fails does not keep the others open. Idempotent.
   *
   * @throws what the first one threw that failed, once all were tried.
   */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    for (let part = this.#parts.pop(); part; part = this.#parts.pop()) {
      await part.close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}
