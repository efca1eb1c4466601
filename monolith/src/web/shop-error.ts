/** What can go wrong in a shop, as stable codes that the API shows too. */
export type ShopErrorCode =
  | 'invalid-input'
  | 'not-signed-in'
  | 'wrong-credentials'
  | 'too-many-attempts'
  | 'csrf-refused'
  | 'not-yours'
  | 'not-found'
  | 'already-reviewed'
  | 'email-taken'
  | 'cart-empty'
  | 'out-of-stock'
  | 'credit-exceeded'
  | 'unavailable';

/** Message for each faulty field of a form or a JSON body, by the field's name. */
export type FieldErrors = Readonly<Record<string, string>>;

/** A refusal with a message that may be shown to the customer. Knows no HTTP; see `web/errors.ts`. */
export class ShopError extends Error {
  readonly code: ShopErrorCode;
  readonly fields: FieldErrors | undefined;

  constructor(code: ShopErrorCode, message: string, fields?: FieldErrors) {
    super(message);
    this.name = 'ShopError';
    this.code = code;
    this.fields = fields;
  }
}

/** Somebody has to wait before he may try again. */
export class TooManyAttemptsError extends ShopError {
  /** Seconds. */
  readonly retryAfterS: number;

  constructor(retryAfterS: number) {
    const minutes = Math.max(1, Math.ceil(retryAfterS / 60));
    const wait = minutes === 1 ? 'a minute' : `${minutes} minutes`;
    super('too-many-attempts', `There were too many attempts to sign in. Please try again in ${wait}.`);
    this.retryAfterS = retryAfterS;
  }
}

/** The usual "there is no such page or thing". */
export const notFound = (what: string): ShopError => new ShopError('not-found', `There is no such ${what}.`);
