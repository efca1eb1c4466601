import type { RequestHandler } from 'express';
import { Refusal } from '../refusal.ts';
import { methodsAt, patternOf } from './route-pattern.ts';
import type { Route } from './route.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses every unsafe request that no route takes: the monolith owns the data, and one that comes here was sent to the
 * wrong side. `Allow` names what this side does answer at the address.
 */
export function refuseWrites(routes: readonly Route[]): RequestHandler {
  return (request, response, next) => {
    const answered = methodsAt(routes, patternOf(response));
    if (SAFE_METHODS.has(request.method) || answered.includes(request.method)) {
      next();
      return;
    }
    if (answered.length > 0) response.set('Allow', answered.join(', '));
    throw new Refusal(
      'writes-elsewhere',
      'Changes are not taken here: writes stay with the application that owns the data.',
    );
  };
}
