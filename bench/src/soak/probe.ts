import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import type { Child } from '../child.ts';
import type { ProbeSample } from './figures.ts';
import { isStored } from './read-reviews.ts';

const PAUSE_MS = 300;
const POLL_MS = 5;
/** A write that is not in the store after this long is a fault, whatever was killed. */
const GIVE_UP_MS = 180_000;

/** Writes one review after another through the writer's process and waits until the service's store holds it. */
export class Probe {
  readonly samples: ProbeSample[] = [];
  readonly #writer: Child;
  readonly #store: Knex;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #failure: Error | null = null;

  constructor(parts: { readonly writer: Child; readonly store: Knex }) {
    this.#writer = parts.writer;
    this.#store = parts.store;
    this.#running = this.#run().catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
  }

  /** The first write that was acknowledged at or after a moment and has arrived; null while there is none. @throws what ended the probe. */
  firstSince(atMs: number): ProbeSample | null {
    if (this.#failure) throw this.#failure;
    return this.samples.find(({ acknowledgedAtMs }) => acknowledgedAtMs >= atMs) ?? null;
  }

  /** Ends with the write in hand. @throws what ended the probe before. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (this.#failure) throw this.#failure;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const { id, acknowledgedAtMs } = (await this.#writer.ask({ kind: 'probe' })) as {
        id: number;
        acknowledgedAtMs: number;
      };
      while (!(await isStored(this.#store, id))) {
        if (Date.now() - acknowledgedAtMs > GIVE_UP_MS) {
          throw new Error(
            `The acknowledged review ${id} is not in the service's store after ${GIVE_UP_MS} ms.`,
          );
        }
        await sleep(POLL_MS);
      }
      this.samples.push({ acknowledgedAtMs, seenAtMs: Date.now() });
      await sleep(PAUSE_MS);
    }
  }
}
