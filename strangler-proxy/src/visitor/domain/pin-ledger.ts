/**
 * What is known of one pin's nonce: `waiting` for a round that has yet to start, `asked` in a round that runs,
 * `applied` when a round that started after the nonce was seen said so, `known` otherwise.
 */
type PinState = 'waiting' | 'asked' | 'applied' | 'known';

interface Entry {
  state: PinState;
  /** Unsafe requests that carry this nonce and are not answered yet. */
  writes: number;
}

/**
 * Bookkeeping of pins: which may be cleared, and which wait for the copy. A nonce is cleared only when a round that
 * *started* after it was seen said that the copy has caught up, and no unsafe request carried it since: such a
 * request's answer brings a new nonce, which a late clearing would wipe out.
 */
export class PinLedger {
  readonly #entries = new Map<string, Entry>();
  /** Nonces whose state is `waiting`. */
  #waiting = new Set<string>();
  readonly #maxEntries: number;

  /** @param maxEntries Nonces remembered; beyond it the oldest is forgotten, and asked for anew when seen. */
  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** Notes that a request carries this nonce, so that the next round asks for it. */
  see(nonce: string): void {
    const entry = this.#entry(nonce);
    if (entry.state !== 'known' || entry.writes > 0) return;
    entry.state = 'waiting';
    this.#waiting.add(nonce);
  }

  /** True when everything that the nonce stands for is known to be in the copy. */
  isApplied(nonce: string): boolean {
    return this.#entries.get(nonce)?.state === 'applied';
  }

  /** An unsafe request with this nonce begins: what was known of the nonce no longer holds. */
  startWrite(nonce: string): void {
    const entry = this.#entry(nonce);
    entry.state = 'known';
    entry.writes += 1;
    this.#waiting.delete(nonce);
  }

  /** It is over, answered or not. Only a round that starts from now on counts. */
  endWrite(nonce: string): void {
    const entry = this.#entries.get(nonce);
    if (entry) entry.writes -= 1;
  }

  get hasWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Starts a round for everything that waits. */
  startRound(): readonly string[] {
    const nonces = [...this.#waiting];
    this.#waiting = new Set();
    for (const nonce of nonces) this.#entry(nonce).state = 'asked';
    return nonces;
  }

  /** Ends a round. Without `caughtUp` its nonces are asked for again when next seen. */
  endRound(nonces: readonly string[], caughtUp: boolean): void {
    for (const nonce of nonces) {
      const entry = this.#entries.get(nonce);
      if (entry?.state === 'asked') entry.state = caughtUp ? 'applied' : 'known';
    }
  }

  /** Other slices copy now: what was applied says nothing of them. */
  forgetApplied(): void {
    for (const entry of this.#entries.values()) entry.state = 'known';
    this.#waiting = new Set();
  }

  get size(): number {
    return this.#entries.size;
  }

  #entry(nonce: string): Entry {
    let entry = this.#entries.get(nonce);
    if (!entry) {
      this.#makeRoom();
      entry = { state: 'known', writes: 0 };
      this.#entries.set(nonce, entry);
    }
    return entry;
  }

  #makeRoom(): void {
    if (this.#entries.size < this.#maxEntries) return;
    for (const [nonce, { writes }] of this.#entries) {
      // One with a write in flight stays: forgotten, it could be cleared too early.
      if (writes > 0) continue;
      this.#entries.delete(nonce);
      this.#waiting.delete(nonce);
      return;
    }
  }
}
