import type { Customer } from './route.ts';

/** What a client is told of a request that failed. */
export interface ErrorAnswer {
  readonly status: number;
  /** Stable, e.g. `not-found`. */
  readonly code: string;
  /** For people. */
  readonly message: string;
  /** Of `invalid-input`: a message for each faulty parameter. */
  readonly fields?: Readonly<Record<string, string>> | undefined;
}

/** What every page shows, whatever it is about. */
export interface FrameLocals {
  readonly customer: Customer | null;
  /** What forms repeat in the field `_csrf`; empty without `csrfCookie`. */
  readonly csrfToken: string;
}

/** The pages of a service. */
export interface Pages {
  /** The page's HTML. @param template e.g. `stock` */
  render(template: string, locals: object, frame: FrameLocals): Promise<string>;
  /** The page of an error. */
  renderError(answer: ErrorAnswer, frame: FrameLocals): Promise<string>;
}

/**
 * How visitors know the application that the service takes over from, so that it does not matter to them which of the two
 * answers. Holds for the slice's routes; below `/v1` and for those who run the service it is the same everywhere.
 */
export interface Face {
  /** Needed for routes of kind `page`. */
  readonly pages?: Pages;
  /** Cookie with the token that forms repeat (double submit); both sides read and set it. Default: none, for no forms. */
  readonly csrfCookie?: string;
  /** JSON body of an error. Default: a problem document (RFC 9457). */
  readonly errorBody?: (answer: ErrorAnswer) => unknown;
  /** Headers of every answer, over the defaults of `securityHeaders`. */
  readonly headers?: Readonly<Record<string, string>>;
}
