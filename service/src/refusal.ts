import { CodedError } from '@banyan/kit';

/** What a service refuses, as stable codes that its answers show, and the status (RFC 9110) that each has. */
export const refusalStatus = {
  'bad-request': 400,
  'not-signed-in': 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  conflict: 409,
  /** The change belongs to another application. */
  'writes-elsewhere': 409,
  'invalid-input': 422,
  /** The copy must not be shown at the moment. */
  'copy-unfit': 503,
} as const;

export type RefusalCode = keyof typeof refusalStatus;

/** Message for each faulty parameter, by its name. */
export type FieldErrors = Readonly<Record<string, string>>;

/** A refusal whose message may be shown to anybody. */
export class Refusal extends CodedError<RefusalCode> {
  readonly fields: FieldErrors | undefined;

  /** @param fields of `invalid-input`: what is wrong with each parameter */
  constructor(code: RefusalCode, message: string, fields?: FieldErrors) {
    super(code, message);
    this.fields = fields;
  }
}

/**
 * The value, or a 404 in its place.
 *
 * @throws Refusal `not-found` for null and undefined
 * @example
 * get('/v1/products/:slug/stock', async ({ params }) => found(await store.levelOf(params.slug)));
 */
export function found<T>(
  value: T | null | undefined,
  message = 'There is nothing at this address. It may have moved.',
): T {
  if (value === null || value === undefined) throw new Refusal('not-found', message);
  return value;
}
