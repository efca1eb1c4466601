import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CustomerSample } from './figures.ts';

const LOOK_MS = 200;

interface TotalsLine {
  readonly requests: number;
  readonly errors: number;
  readonly staleReads: number;
  readonly elapsedMs: number;
  readonly recentFailures?: readonly string[];
}

/** Takes down the built-in customers' totals as they are written, once a second. */
export class CustomerWatch {
  readonly samples: CustomerSample[] = [];
  readonly #file: string;
  readonly #onErrors: (failures: readonly string[]) => void;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #lastElapsedMs = -1;

  constructor(options: {
    /** Where the supervisor keeps the customers' last line. */
    readonly file: string;
    /** Called with the last failures, in words, whenever errors or stale reads have risen. */
    readonly onErrors: (failures: readonly string[]) => void;
  }) {
    this.#file = options.file;
    this.#onErrors = options.onErrors;
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#look();
      await sleep(LOOK_MS);
    }
  }

  #look(): void {
    const line = JSON.parse(readFileSync(this.#file, 'utf8')) as TotalsLine;
    if (line.elapsedMs === this.#lastElapsedMs) return;
    this.#lastElapsedMs = line.elapsedMs;
    const { requests, errors, staleReads } = line;
    const before = this.samples.at(-1);
    this.samples.push({ atMs: Date.now(), requests, errors, staleReads });
    if (before && (errors > before.errors || staleReads > before.staleReads)) {
      this.#onErrors(
        (line.recentFailures ?? []).slice(before.errors + before.staleReads - errors - staleReads),
      );
    }
  }
}
