/** Lets the addresses of a list take turns. One that could not be reached goes last for a while. */
export class Turns {
  readonly #nowMs: () => number;
  readonly #restMs: number;
  /** How often each list was asked for. Lists live as long as the routes that they came with. */
  readonly #counts = new WeakMap<readonly string[], number>();
  readonly #restsUntilMs = new Map<string, number>();

  /** @param options.nowMs A clock that never goes back. @param options.restMs Default 1,000. */
  constructor({ nowMs, restMs = 1_000 }: { readonly nowMs: () => number; readonly restMs?: number }) {
    this.#nowMs = nowMs;
    this.#restMs = restMs;
  }

  /** All addresses of the list, in the order in which they are to be tried now. */
  of(upstreams: readonly string[]): readonly string[] {
    if (upstreams.length < 2) return upstreams;
    const count = this.#counts.get(upstreams) ?? 0;
    this.#counts.set(upstreams, count + 1);
    const at = count % upstreams.length;
    const inTurn = [...upstreams.slice(at), ...upstreams.slice(0, at)];
    if (this.#restsUntilMs.size === 0) return inTurn;
    return [
      ...inTurn.filter((each) => !this.#isResting(each)),
      ...inTurn.filter((each) => this.#isResting(each)),
    ];
  }

  /** No connection to this address came to be. */
  rest(upstream: string): void {
    this.#restsUntilMs.set(upstream, this.#nowMs() + this.#restMs);
  }

  #isResting(upstream: string): boolean {
    const untilMs = this.#restsUntilMs.get(upstream);
    if (untilMs === undefined) return false;
    if (this.#nowMs() < untilMs) return true;
    this.#restsUntilMs.delete(upstream);
    return false;
  }
}
