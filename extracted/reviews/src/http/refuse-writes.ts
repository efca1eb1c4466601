import type { RequestHandler } from 'express';
import { ReviewsError } from '../domain/reviews-error.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses every unsafe request: the shop owns the reviews, and one that comes here was sent to the wrong side.
 * Routes name it for POST too, so that OPTIONS tells of the same methods on both sides.
 */
export const refuseWrites: RequestHandler = (request, _response, next) => {
  if (SAFE_METHODS.has(request.method)) {
    next();
    return;
  }
  throw new ReviewsError(
    'writes-elsewhere',
    'Reviews are written in the shop, not here: writes stay with it.',
  );
};
