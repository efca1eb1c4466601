import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import type { Habits } from './behaviour.ts';
import { openBrowserSession } from './browser-session.ts';
import { createCustomer } from './customer.ts';
import { createRandom } from './random.ts';
import { createTally, type Totals } from './tally.ts';

export interface CustomersOptions {
  /** The shop's address, e.g. `http://127.0.0.1:8080`. */
  readonly url: string;
  /** How many visit at once. Default 8. */
  readonly customers?: number;
  /** Decides what they do, not how fast the shop answers. Default 1. */
  readonly seed?: number;
  /** Mean time that a customer thinks before each step; it varies by half. Default 150. */
  readonly pauseMs?: number;
  /** For one request with its answer. Default 10,000. */
  readonly deadlineMs?: number;
  /** Keeps accounts of two runs apart: letters, digits and `-`. Default: made from the clock. */
  readonly run?: string;
  readonly habits?: Habits;
}

export interface RunningCustomers {
  totals(): Totals;
  /** Sends the customers home, breaking off what is under way. Idempotent. */
  close(): Promise<void>;
}

/** Starts virtual customers in this process. They go on through every failure until closed. */
export function startCustomers(options: CustomersOptions): RunningCustomers {
  const { url, customers = 8, seed = 1, pauseMs = 150, deadlineMs = 10_000, habits } = options;
  const run = options.run ?? Date.now().toString(36);
  const stop = new AbortController();
  const { signal } = stop;
  const dispatcher = new Agent({ connect: { timeout: deadlineMs } });
  const tally = createTally(() => performance.now());
  const session = { baseUrl: url, dispatcher, deadlineMs, signal, now: Date.now };

  async function live(index: number): Promise<void> {
    // Far apart, so that neighbours do not do the same one step later.
    const random = createRandom(Math.imul(seed + index * 7919, 0x9e3779b1));
    const customer = createCustomer({
      mark: `${run}-${index + 1}`,
      random,
      ...(habits ? { habits } : {}),
      tally,
      openSession: () => openBrowserSession(session),
      pause: () => sleep(pauseMs * (0.5 + random.next()), undefined, { signal }),
      signal,
    });
    for (;;) {
      try {
        await customer.visit();
      } catch (cause) {
        // Closing ends the visit under way by this. Anything else is a fault of the customers themselves: counted,
        // so that it is seen.
        if (signal.aborted) return;
        tally.error('customer', cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
      }
    }
  }

  const lives = Promise.all(Array.from({ length: customers }, (_, index) => live(index)));
  let closed: Promise<void> | undefined;
  return {
    totals: () => tally.totals(),
    close() {
      closed ??= (async () => {
        stop.abort();
        await lives;
        await dispatcher.destroy();
      })();
      return closed;
    },
  };
}
