import type { IdentitySource, ProxyReport } from '@banyan/contracts';

/** The proxy's calls to the control plane, besides the stream of snapshots. */
export interface ControlClient {
  /** Tells how traffic goes. @throws Error when control does not take it within a second. */
  readonly report: (report: ProxyReport, signal: AbortSignal) => Promise<void>;
  /**
   * Asks whether the copies of these slices have everything that was written before this call.
   *
   * @throws Error without an answer within `timeoutMs` and a second.
   */
  readonly isCaughtUp: (question: {
    readonly slices: readonly string[];
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }) => Promise<boolean>;
}

/** Who a session of the monolith belongs to. */
export interface SessionCustomer {
  readonly id: string;
  readonly displayName: string;
}

/** A source of identities that the monolith is asked about. */
export type LookUpSource = Exclude<IdentitySource, { readonly header: string }>;

/** What a request brings to say who is signed in. */
export type Credential =
  | { readonly kind: 'look-up'; readonly source: LookUpSource; readonly value: string }
  /** A gateway in front has said it. */
  | { readonly kind: 'named'; readonly customer: SessionCustomer };

/**
 * Asks the monolith whose a cookie or token is.
 *
 * @returns null when nobody is signed in.
 * @throws Error when the monolith does not say in time, or refuses the token.
 */
export type LookUpSession = (source: LookUpSource, value: string) => Promise<SessionCustomer | null>;

/** Something that a client sends with every request, by which he can be pinned at this proxy. */
export interface PinKey {
  readonly digest: string;
  /** True for a cookie: who sends that back does so with a pin, too. */
  readonly isCookie: boolean;
}

/** Makes and reads pins: `<nonce>.<HMAC of the nonce>`. All proxies share the secret, so each reads the others' pins. */
export interface PinCookies {
  /** A `Set-Cookie` value with a new nonce. @param isSecure True when the client came by TLS. */
  issue(isSecure: boolean): string;
  /** The nonce of a cookie's value that one of the proxies signed, else null. */
  read(value: string | undefined): string | null;
  /** A `Set-Cookie` value that takes the pin away. */
  clearing(isSecure: boolean): string;
}

/** Keeps the last routes snapshot on disk, for a start while the control plane is down. */
export interface SnapshotFile {
  /** The file's text; null without a file. */
  load(): Promise<string | null>;
  /** Replaces the file as a whole: after a crash there is the old text or the new, never half of one. */
  save(text: string): Promise<void>;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

/** A request that the breaker let through; hand it back with how it ended. */
export interface BreakerTicket {
  readonly isProbe: boolean;
}

/** Keeps reads away from a service that keeps failing, but for one request now and then that tries. */
export interface SliceBreaker {
  readonly state: BreakerState;
  /** True while a request had better go elsewhere. Changes nothing. */
  readonly isBlocking: boolean;
  /** Call right before the request is sent. */
  begin(): BreakerTicket;
  /** A cancel is neither failure nor success: the client left, the service is not to blame. */
  end(ticket: BreakerTicket, outcome: 'success' | 'failure' | 'cancel'): void;
}

/** One breaker a slice, kept when routes change. */
export type BreakerOf = (slice: string) => SliceBreaker;
