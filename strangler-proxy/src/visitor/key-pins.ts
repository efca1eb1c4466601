import type { PinTracker } from './pin-tracker.ts';

/** Something that a client sends with every request, by which he can be pinned at this proxy. */
export interface PinKey {
  readonly digest: string;
  /** True for a cookie: who sends that back does so with a pin, too. */
  readonly isCookie: boolean;
}

/** The pin of all who keep no cookies at once; no digest has a space. */
const everybody = (time: number): string => `everybody ${time}`;

/**
 * Pins of clients who keep no cookies, by what they send instead, kept at this proxy. It forgets nobody who is pinned:
 * when there are too many, and after a start, when it cannot know who wrote before, all of them count as pinned until
 * the copies are known to have what was written until then.
 */
export class KeyPins {
  readonly #pins: PinTracker;
  readonly #maxKeys: number;
  readonly #pinned = new Set<string>();
  #times = 0;
  #areAllPinned: boolean;

  /**
   * @param options.maxKeys Default 50,000.
   * @param options.startsPinned False where no control plane would ever end it. Default true.
   */
  constructor(
    pins: PinTracker,
    options: { readonly maxKeys?: number; readonly startsPinned?: boolean } = {},
  ) {
    this.#pins = pins;
    this.#maxKeys = options.maxKeys ?? 50_000;
    this.#areAllPinned = options.startsPinned ?? true;
  }

  /** True while something that was written with one of these keys may be missing from a copy. */
  isPinned(keys: readonly PinKey[]): boolean {
    // All are looked at, so that the next round asks for all.
    const pinned = keys.filter(
      ({ digest, isCookie }) => this.#isKeyPinned(digest) || (!isCookie && this.#isEverybodyPinned()),
    );
    return pinned.length > 0;
  }

  /** Brackets an unsafe request that the monolith is to answer. */
  startWrite(keys: readonly PinKey[]): void {
    for (const { digest } of keys) {
      this.#pin(digest);
      this.#pins.startWrite(digest);
    }
  }

  endWrite(keys: readonly PinKey[]): void {
    for (const { digest } of keys) {
      this.#pins.endWrite(digest);
      this.#pin(digest); // if room was made meanwhile, that was asked for before this write was done
    }
  }

  #isKeyPinned(digest: string): boolean {
    if (!this.#pinned.has(digest)) return false;
    if (this.#pins.isPinned(digest)) return true;
    this.#pinned.delete(digest);
    return false;
  }

  #isEverybodyPinned(): boolean {
    this.#areAllPinned &&= this.#pins.isPinned(everybody(this.#times));
    return this.#areAllPinned;
  }

  #pin(digest: string): void {
    if (this.#pinned.size >= this.#maxKeys && !this.#pinned.has(digest)) {
      this.#pinned.clear();
      this.#times += 1;
      this.#areAllPinned = true;
    }
    this.#pinned.add(digest);
  }
}
