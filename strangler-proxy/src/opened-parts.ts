import type { Closable } from '@banyan/kit';

/** Parts of something that is being started, closed newest first: when it ends, or when its start fails half-way. */
export class OpenedParts implements Closable {
  readonly #parts: Closable[] = [];
  #closed: Promise<void> | undefined;

  /** @returns the part. */
  add<T extends Closable>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  /** Closes all of them, also when one cannot be closed. Idempotent. @throws what the first such one threw. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const errors: unknown[] = [];
    for (const part of this.#parts.toReversed()) {
      await part.close().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }
}
