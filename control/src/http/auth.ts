import { hasBearer } from '@banyan/kit';
import type { RequestHandler } from 'express';
import { sendProblem } from './problem.ts';

/** 401 unless the request carries this token. @param hint Where the right one is found. */
export function requireToken(token: string, hint: string): RequestHandler {
  return (request, response, next) => {
    const { authorization } = request.headers;
    if (hasBearer(authorization, token)) {
      next();
      return;
    }
    sendProblem(response.set('www-authenticate', 'Bearer'), {
      status: 401,
      code: 'unauthorized',
      message: 'This address wants a bearer token.',
      evidence: [
        `wanted Authorization: Bearer <token>, got ${authorization === undefined ? 'no such header' : 'another value'}`,
        hint,
      ],
      nextSteps: ['banyan doctor'],
    });
  };
}
