import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { isDatabaseUnavailable } from '../database/unavailable.ts';
import { ShopError, TooManyAttemptsError, type ShopErrorCode } from './shop-error.ts';

const STATUS: Readonly<Record<ShopErrorCode, number>> = {
  'invalid-input': 422,
  'not-signed-in': 401,
  'wrong-credentials': 401,
  'too-many-attempts': 429,
  'csrf-refused': 403,
  'not-yours': 403,
  'not-found': 404,
  'already-reviewed': 409,
  'email-taken': 409,
  'cart-empty': 409,
  'out-of-stock': 409,
  'credit-exceeded': 409,
  unavailable: 503,
};

const HEADINGS: Readonly<Record<number, string>> = {
  400: 'We could not read that',
  401: 'Please sign in',
  403: 'That was not allowed',
  404: 'Page not found',
  409: 'That did not work',
  413: 'That was too large',
  415: 'We could not read that',
  422: 'Something needs another look',
  429: 'One moment, please',
  503: 'We will be back shortly',
};

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly fields?: ShopError['fields'];
}

/** HTTP status of a refusal. */
export const statusOf = (code: ShopErrorCode): number => STATUS[code];

function answerOf(error: unknown): Answer {
  if (error instanceof ShopError) {
    return { status: STATUS[error.code], code: error.code, message: error.message, fields: error.fields };
  }
  if (isDatabaseUnavailable(error)) {
    return { status: 503, code: 'unavailable', message: 'The shop cannot reach its data. Please try again.' };
  }
  // Express and its body parser mark a client's faults with a status.
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : 500;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { status, code: 'bad-request', message: 'The request could not be understood.' };
  }
  return { status: 500, code: 'internal', message: 'Something went wrong on our side. Please try again.' };
}

const isApi = (path: string): boolean => path === '/api' || path.startsWith('/api/');

function sendApi(res: Response, { status, code, message, fields }: Answer): void {
  res.status(status).json({ error: { code, message, ...(fields ? { fields } : {}) } });
}

/** `Retry-After`, for who has to wait (RFC 9110 10.2.3). */
export function sayWhenToRetry(res: Response, error: unknown): void {
  if (error instanceof TooManyAttemptsError) res.set('Retry-After', String(error.retryAfterS));
}

/** Last of the routes: nothing else answered. */
export const unknownPath: RequestHandler = () => {
  throw new ShopError('not-found', 'There is nothing at this address. It may have moved.');
};

/** Turns an error into a page, or into JSON below `/api`. Faults of our own are logged. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    const answer = answerOf(error);
    if (answer.status >= 500)
      logger.error({ err: error, method: req.method, path: req.path }, answer.message);
    if (res.headersSent) {
      // Too late for an answer; Express ends the connection.
      next(error);
      return;
    }
    if (answer.status === 503) res.set('Retry-After', '2');
    sayWhenToRetry(res, error);
    res.set('Cache-Control', 'no-store');
    if (isApi(req.path)) {
      sendApi(res, answer);
      return;
    }
    const heading = HEADINGS[answer.status] ?? 'Something went wrong';
    res.status(answer.status).render('error', { title: heading, heading, message: answer.message });
  };
}
