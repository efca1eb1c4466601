/**
 * How a service learns who asks. The monolith owns sessions; the proxy asks it who a session is and sends this
 * token in header `banyan-identity`: a JWT (RFC 7519) signed with EdDSA (RFC 8037), at most a minute old.
 * A header of that name that a client sent is dropped. No header: nobody is signed in.
 */
export const IDENTITY_HEADER = 'banyan-identity';
export const IDENTITY_ISSUER = 'banyan-proxy';

/** Claims of an identity token besides `iss`, `aud` (the slice), `iat`, `exp`. */
export interface IdentityClaims {
  /** The customer's id in the monolith, as text. */
  readonly sub: string;
  /** Display name. */
  readonly name: string;
}

/** Header that picks a side for testers: `banyan-override: reviews=service`, with the token beside it. */
export const OVERRIDE_HEADER = 'banyan-override';
/** Proves that the override is allowed; the token is in the state folder, `secrets/override.token`. */
export const OVERRIDE_TOKEN_HEADER = 'banyan-override-token';
/** Cookie of a session whose reads stay on the monolith until the copy has its writes. A signed flag. */
export const PIN_COOKIE = 'banyan_pin';
/** Cookie that keeps a visitor without an account in one cohort. Random, says nothing of him. */
export const VISITOR_COOKIE = 'banyan_visitor';
/** Response header that names who answered, only for requests with an authorised override token. */
export const SERVED_BY_HEADER = 'banyan-served-by';
