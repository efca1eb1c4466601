import { STATUS_CODES } from 'node:http';
import type { Logger } from '@banyan/kit';
import type { ErrorRequestHandler, Request, Response } from 'express';
import { Refusal, refusalStatus } from '../refusal.ts';
import { csrfTokenOf } from './csrf.ts';
import type { ErrorAnswer, Face } from './face.ts';
import type { Identify } from './identify.ts';
import type { Route } from './route.ts';

/** A copy that is behind catches up, or is made again, in seconds; whoever asks through the proxy sees none of it. */
const RETRY_AFTER_S = 2;

function answerOf(error: unknown): ErrorAnswer {
  if (error instanceof Refusal) {
    const { code, message, fields } = error;
    return { status: refusalStatus[code], code, message, fields };
  }
  // Express and its body parser mark a client's faults, such as a path that does not decode, with a status.
  const status = error instanceof Error && 'status' in error ? error.status : 500;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return { status, code: 'bad-request', message: 'The request could not be understood.' };
  }
  return { status: 500, code: 'internal', message: 'Something went wrong on our side. Please try again.' };
}

/** RFC 9457, with our `code` and `fields` as extension members. */
function problemOf({ status, code, message, fields }: ErrorAnswer): object {
  const title = STATUS_CODES[status] ?? 'Error';
  return { type: 'about:blank', title, status, detail: message, code, ...(fields ? { fields } : {}) };
}

/** First segments below which there are pages: whatever fails there is answered to people. */
const pageRoots = (routes: readonly Route[]): ReadonlySet<string> =>
  new Set(routes.filter(({ kind }) => kind === 'page').map(({ path }) => path.split('/')[1] ?? ''));

/**
 * Turns an error into a page where the service has pages, else into JSON: a problem document (RFC 9457), or what the
 * monolith's clients know from it. Faults of our own are logged.
 */
export function errorHandler(options: {
  readonly routes: readonly Route[];
  readonly face: Face;
  readonly identify: Identify;
  readonly log: Logger;
}): ErrorRequestHandler {
  const { routes, face, identify, log } = options;
  const roots = pageRoots(routes);
  const knowsReaders = routes.some(({ kind, identity }) => kind === 'page' && identity);

  async function answer(request: Request, response: Response, answered: ErrorAnswer): Promise<void> {
    const [, root = ''] = request.path.split('/');
    if (face.pages && roots.has(root)) {
      const customer = knowsReaders ? await identify(request) : null;
      const html = await face.pages.renderError(answered, { customer, csrfToken: csrfTokenOf(response) });
      response.type('html').send(html);
    } else if (face.errorBody && root !== 'v1') {
      response.json(face.errorBody(answered));
    } else {
      response.type('application/problem+json').send(JSON.stringify(problemOf(answered)));
    }
  }

  return async (error: unknown, request, response, next) => {
    const answered = answerOf(error);
    const { status, code, message } = answered;
    if (status >= 500 && code !== 'copy-unfit') {
      log.error({ err: error, method: request.method, path: request.path }, message);
    }
    if (response.headersSent) {
      // Too late for an answer; Express ends the connection.
      next(error);
      return;
    }
    response.status(status).set('Cache-Control', 'no-store');
    if (status === 503) response.set('Retry-After', String(RETRY_AFTER_S));
    await answer(request, response, answered);
  };
}
