import type { Logger } from '@banyan/kit';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { ReviewsError, type FieldErrors, type ReviewsErrorCode } from '../domain/reviews-error.ts';

const STATUS: Readonly<Record<ReviewsErrorCode, number>> = {
  'not-found': 404,
  'invalid-input': 422,
  'writes-elsewhere': 409,
  'copy-unfit': 503,
};

const HEADINGS: Readonly<Record<number, string>> = {
  400: 'We could not read that',
  404: 'Page not found',
  409: 'That did not work',
  422: 'Something needs another look',
  503: 'We will be back shortly',
};

/** A copy that is behind catches up, or is made anew, in seconds; whoever asks through the proxy sees none of it. */
const RETRY_AFTER_S = 2;

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly fields?: FieldErrors | undefined;
}

function answerOf(error: unknown): Answer {
  if (error instanceof ReviewsError) {
    return { status: STATUS[error.code], code: error.code, message: error.message, fields: error.fields };
  }
  // Express marks a client's faults, such as a path that does not decode, with a status.
  const status = error instanceof Error && 'status' in error ? error.status : 500;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { status, code: 'bad-request', message: 'The request could not be understood.' };
  }
  return { status: 500, code: 'internal', message: 'Something went wrong on our side. Please try again.' };
}

/** Last of the routes: nothing else answered. */
export const unknownPath: RequestHandler = () => {
  throw new ReviewsError('not-found', 'There is nothing at this address. It may have moved.');
};

/** Paths that only pages have; everything else is answered in JSON. */
const isPage = (path: string): boolean => path.startsWith('/products/');

/** Turns an error into a page below `/products`, else into JSON. Faults of our own are logged. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const { status, code, message, fields } = answerOf(error);
    if (status >= 500 && code !== 'copy-unfit')
      log.error({ err: error, method: request.method, path: request.path }, message);
    if (response.headersSent) {
      // Too late for an answer; Express ends the connection.
      next(error);
      return;
    }
    response.status(status).set('Cache-Control', 'no-store');
    if (status === 503) response.set('Retry-After', String(RETRY_AFTER_S));
    if (isPage(request.path)) {
      const heading = HEADINGS[status] ?? 'Something went wrong';
      response.render('error', { title: heading, heading, message });
      return;
    }
    response.json({ error: { code, message, ...(fields ? { fields } : {}) } });
  };
}
