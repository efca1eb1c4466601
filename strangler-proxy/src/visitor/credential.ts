import type { IdentitySource } from '@banyan/contracts';

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
