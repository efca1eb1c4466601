/** What the service refuses, as stable codes that its answers show too. */
export type ReviewsErrorCode = 'not-found' | 'invalid-input' | 'writes-elsewhere' | 'copy-unfit';

/** Message for each faulty parameter, by its name. */
export type FieldErrors = Readonly<Record<string, string>>;

/** A refusal whose message may be shown to anybody. Knows no HTTP; see `http/errors.ts`. */
export class ReviewsError extends Error {
  readonly code: ReviewsErrorCode;
  readonly fields: FieldErrors | undefined;
  override readonly name = 'ReviewsError';

  constructor(code: ReviewsErrorCode, message: string, fields?: FieldErrors) {
    super(message);
    this.code = code;
    this.fields = fields;
  }
}
