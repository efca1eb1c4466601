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
  readonly #onErrors: (text: string) => void;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #lastElapsedMs = -1;

  constructor(options: {
    /** Where the supervisor keeps the customers' last line. */
    readonly file: string;
    /** Called whenever errors or stale reads have risen, with how many and the reasons of the last few. */
    readonly onErrors: (text: string) => void;
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
    if (!before) return;
    const rise = { errors: errors - before.errors, staleReads: staleReads - before.staleReads };
    if (rise.errors + rise.staleReads === 0) return;
    this.#onErrors(describeFailures(rise, line.recentFailures ?? []));
  }
}

/**
 * @param recent The last failures, oldest first, as `kind: reason`.
 * @example describeFailures({ errors: 3, staleReads: 0 }, ['home: status 503', 'cart: status 503'])
 * // '3 errors, 0 stale reads: 2 x status 503'
 */
export function describeFailures(
  rise: { readonly errors: number; readonly staleReads: number },
  recent: readonly string[],
): string {
  const shown = recent.slice(-(rise.errors + rise.staleReads));
  const reasons = Map.groupBy(shown, (failure) => failure.slice(failure.indexOf(': ') + 2));
  const counted = Array.from(reasons, ([reason, failures]) => `${failures.length} x ${reason}`);
  return `${rise.errors} errors, ${rise.staleReads} stale reads: ${counted.join(', ')}`;
}
