/** A limit that nothing has confirmed for this long is forgotten: the upstream may have been set up anew. */
const FORGOTTEN_AFTER_MS = 60_000;
/** The upstream counts from its last byte, we from when it was read; half leaves room for both and for the way. */
const SHARE_THAT_IS_SAFE = 0.5;

/**
 * How long an upstream keeps an idle connection, learned from those that it closed. A restart closes connections of any
 * age and so teaches too low a limit; each that is used at a greater age raises it, and a minute without another ends it.
 */
export class IdleLimit {
  #limitMs = Infinity;
  #confirmedAtMs = 0;

  /** Idle time up to which a connection may carry a request that cannot be sent again; Infinity while nothing is known. */
  safeMs(nowMs: number): number {
    if (nowMs - this.#confirmedAtMs > FORGOTTEN_AFTER_MS) this.#limitMs = Infinity;
    return this.#limitMs * SHARE_THAT_IS_SAFE;
  }

  /** The upstream closed a connection that had been idle for `idleMs`. */
  sawClosed(idleMs: number, nowMs: number): void {
    if (idleMs * SHARE_THAT_IS_SAFE > this.safeMs(nowMs)) return;
    this.#limitMs = idleMs;
    this.#confirmedAtMs = nowMs;
  }

  /** A connection that had been idle for `idleMs` was used, and answered. */
  sawUsed(idleMs: number): void {
    if (idleMs > this.#limitMs) this.#limitMs = idleMs;
  }
}
