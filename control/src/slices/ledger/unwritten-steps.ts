import type { GateResult } from '@banyan/contracts';
import type { SliceState } from '../domain/slice-state.ts';
import type { StoredSlices } from '../store/slice-store.ts';

/** A step to write down: from one state to the next, by whom and why. */
export interface LedgerStep {
  readonly from: SliceState;
  readonly next: SliceState;
  readonly by: string;
  readonly verb: string;
  readonly reason: string | null;
  readonly evidence: readonly GateResult[];
}

/**
 * By how much the version of routes goes up that are published before they are written. A control plane that starts
 * anew without having written them knows by the gap that proxies have routes which are not in its store.
 */
const VERSION_GAP = 1_000;

/** A step that is in force and not in the store yet. */
export interface UnwrittenStep {
  readonly step: LedgerStep;
  /** When it was decided, milliseconds since the epoch. */
  readonly atMs: number;
  /** Why it could not be written, for people. */
  readonly reason: string;
  /** A try to write it that has not ended: it may still succeed. */
  readonly late: Promise<unknown> | null;
}

/** Steps that take reads back while the store cannot be written, laid over what it says. At most one a slice. */
export class UnwrittenSteps {
  readonly #steps = new Map<string, UnwrittenStep>();
  #version = 0;

  get size(): number {
    return this.#steps.size;
  }

  all(): readonly (readonly [string, UnwrittenStep])[] {
    return [...this.#steps];
  }

  has(slice: string): boolean {
    return this.#steps.has(slice);
  }

  /** @param version Of the routes in force before. */
  keep(unwritten: UnwrittenStep, version: number): void {
    this.#steps.set(unwritten.step.next.name, unwritten);
    this.#version = Math.max(this.#version, version) + VERSION_GAP;
  }

  failedAgain(slice: string, reason: string): void {
    const before = this.#steps.get(slice);
    if (before) this.#steps.set(slice, { ...before, reason, late: null });
  }

  settle(slice: string): void {
    this.#steps.delete(slice);
  }

  /** The states that are in force. Versions never fall. */
  over({ version, slices }: StoredSlices): StoredSlices {
    return {
      version: Math.max(version, this.#version),
      slices: slices.map((state) => this.#steps.get(state.name)?.step.next ?? state),
    };
  }
}
