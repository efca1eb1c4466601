/**
 * How old a copy may be at most, told by heartbeats: what was applied is as old as the last heartbeat that came through
 * the same way. Time is counted by a clock that never jumps, from the moment at which that heartbeat was heard; what it
 * was late then, by the source's clock, comes on top, and never makes it younger.
 */
export class Freshness {
  readonly #clock: () => number;
  #heardAtMs: number;
  #lateMs = 0;
  #wasHeard = false;

  /** @param clock Monotone milliseconds. Default `performance.now`. Before the first heartbeat its age counts from now. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock;
    this.#heardAtMs = clock();
  }

  /** False until the first heartbeat. */
  get wasHeard(): boolean {
    return this.#wasHeard;
  }

  /** A heartbeat was applied. @param writtenAtMs and @param nowMs milliseconds since the epoch. */
  hear(writtenAtMs: number, nowMs: number): void {
    this.#heardAtMs = this.#clock();
    this.#lateMs = Math.max(0, nowMs - writtenAtMs);
    this.#wasHeard = true;
  }

  /** Age of the last heartbeat in milliseconds; before the first one, since we began to listen. */
  ageMs(): number {
    return this.#clock() - this.#heardAtMs + this.#lateMs;
  }
}
