import type { Logger } from '@banyan/kit';
import type { ControlClient } from '../outbound/control-client.ts';
import { PinLedger } from './domain/pin-ledger.ts';

/** Finds out when pinned sessions may go back to the copies, by asking the control plane in rounds. */
export interface PinTracker {
  /** A request carries this nonce. @returns false once the copies are known to have the write behind it. */
  isPinned(nonce: string): boolean;
  /** True when the cookie may be taken away with this answer. */
  mayClear(nonce: string): boolean;
  /** Brackets an unsafe request that carries the nonce. */
  startWrite(nonce: string): void;
  endWrite(nonce: string): void;
  /** Tells which slices copy, whenever the routes change. */
  useSlices(slices: readonly string[]): void;
  readonly rounds: { readonly caughtUp: number; readonly notYet: number; readonly failed: number };
  /** Idempotent. */
  close(): Promise<void>;
}

export interface PinTrackerOptions {
  readonly isCaughtUp: ControlClient['isCaughtUp'];
  readonly log: Logger;
  /** Shortest time from one round's start to the next one's, in milliseconds. Default 50: twenty a second. */
  readonly roundEveryMs?: number;
  /** How long the control plane may wait for the copies, in milliseconds. Default 2,000. */
  readonly timeoutMs?: number;
  /** Nonces remembered. Default 50,000. */
  readonly maxNonces?: number;
}

export function createPinTracker(options: PinTrackerOptions): PinTracker {
  const { isCaughtUp, log, roundEveryMs = 50, timeoutMs = 2_000, maxNonces = 50_000 } = options;
  const ledger = new PinLedger(maxNonces);
  const stopped = new AbortController();
  const rounds = { caughtUp: 0, notYet: 0, failed: 0 };
  let slices: readonly string[] = [];
  let startedAtMs = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<void> | null = null;

  async function ask(): Promise<boolean> {
    try {
      const caughtUp = await isCaughtUp({ slices, timeoutMs, signal: stopped.signal });
      rounds[caughtUp ? 'caughtUp' : 'notYet'] += 1;
      return caughtUp;
    } catch (error) {
      rounds.failed += 1;
      log.debug({ reason: (error as Error).message }, 'no answer on how far the copies are: pins stay');
      return false;
    }
  }

  async function runRound(): Promise<void> {
    startedAtMs = performance.now();
    const nonces = ledger.startRound();
    ledger.endRound(nonces, await ask());
    running = null;
    scheduleRound();
  }

  /** One round at a time: what is seen while it runs joins the next. */
  function scheduleRound(): void {
    if (running || timer || stopped.signal.aborted || slices.length === 0 || !ledger.hasWaiting) return;
    const waitMs = Math.max(0, startedAtMs + roundEveryMs - performance.now());
    timer = setTimeout(() => {
      timer = null;
      if (slices.length === 0) return;
      running = runRound();
    }, waitMs);
  }

  return {
    isPinned(nonce) {
      ledger.see(nonce);
      scheduleRound();
      return !ledger.isApplied(nonce);
    },
    mayClear: (nonce) => ledger.isApplied(nonce),
    startWrite: (nonce) => ledger.startWrite(nonce),
    endWrite: (nonce) => ledger.endWrite(nonce),
    useSlices(names) {
      const isSame = names.length === slices.length && names.every((name) => slices.includes(name));
      slices = names;
      if (!isSame) ledger.forgetApplied();
      scheduleRound();
    },
    rounds,
    async close() {
      stopped.abort();
      if (timer) clearTimeout(timer);
      await running;
    },
  };
}
