import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, withDeadline } from '@banyan/kit';
import type { CaughtUpEvidence } from './domain/caught-up-evidence.ts';
import type { Clock } from '../clock.ts';
import type { CaughtUp, FeedMark, Lsn } from './ports.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';

const ROUND_DEADLINE_MS = 10_000;
/** At most twenty rounds a second and slice: each asks the source and appends to the bus. */
const DEFAULT_GAP_MS = 50;

export interface CaughtUpRoundsDeps {
  readonly caughtUp: CaughtUp;
  readonly clock: Clock;
  /** The feed that a slice's copy is of; null without a copy. */
  readonly markOf: (slice: string) => Promise<FeedMark | null>;
  /** Least time between the end of a round and the start of the next, milliseconds. Default 50. */
  readonly gapMs?: number | undefined;
}

/**
 * Asks again and again whether a service has caught up. All who ask while a round runs share the next one: a round
 * proves something only to those who asked before it took its position.
 */
export class CaughtUpRounds {
  readonly #deps: CaughtUpRoundsDeps;
  readonly #closing = new AbortController();
  readonly #slices = new Map<string, SliceRounds>();

  constructor(deps: CaughtUpRoundsDeps) {
    this.#deps = deps;
  }

  /** Joins the first round of this slice that starts after now. Rejects when that round fails. */
  join(slice: ManagedSlice): Promise<Lsn> {
    let rounds = this.#slices.get(slice.name);
    if (!rounds) {
      rounds = new SliceRounds(slice, this.#deps, this.#closing.signal);
      this.#slices.set(slice.name, rounds);
    }
    return rounds.join();
  }

  /** Who joined has given up: it does not count as caught up now, until a round succeeds. */
  giveUp(slice: ManagedSlice, reason: string): void {
    const rounds = this.#slices.get(slice.name);
    if (rounds) rounds.evidence = { ...rounds.evidence, error: reason };
  }

  evidence(name: string): CaughtUpEvidence {
    return this.#slices.get(name)?.evidence ?? { startedAtMs: null, error: null };
  }

  close(): void {
    this.#closing.abort(new Error('control is stopping'));
  }
}

class SliceRounds {
  readonly #slice: ManagedSlice;
  readonly #deps: CaughtUpRoundsDeps;
  readonly #signal: AbortSignal;
  #waiting: PromiseWithResolvers<Lsn> | null = null;
  #running = false;
  evidence: CaughtUpEvidence = { startedAtMs: null, error: null };

  constructor(slice: ManagedSlice, deps: CaughtUpRoundsDeps, signal: AbortSignal) {
    this.#slice = slice;
    this.#deps = deps;
    this.#signal = signal;
  }

  join(): Promise<Lsn> {
    if (!this.#waiting) {
      this.#waiting = Promise.withResolvers<Lsn>();
      this.#waiting.promise.catch(() => {
        // those who joined see it; a round whose askers gave up has nobody else to tell
      });
    }
    const { promise } = this.#waiting;
    if (!this.#running) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (;;) {
      // 1. Close the door: who comes from here on waits for the next round.
      const round = this.#waiting;
      this.#waiting = null;
      if (!round) break;
      // 2. Only now take the position (inside `wait`).
      const startedAtMs = this.#deps.clock.nowMs();
      try {
        const { position } = await this.#deps.caughtUp.wait({
          slice: this.#slice.definition,
          copy: this.#slice.copy,
          markOf: () => this.#deps.markOf(this.#slice.name),
          signal: withDeadline(this.#signal, ROUND_DEADLINE_MS),
        });
        this.evidence = { startedAtMs, error: null };
        round.resolve(position);
      } catch (error) {
        this.evidence = { ...this.evidence, error: messageOf(error) };
        round.reject(error);
      }
      const { gapMs = DEFAULT_GAP_MS } = this.#deps;
      if (gapMs > 0) await delay(gapMs, undefined, { ref: false });
    }
    this.#running = false;
  }
}
