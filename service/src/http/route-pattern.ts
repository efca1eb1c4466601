import { Router, type RequestHandler, type Response } from 'express';
import type { Route } from './route.ts';

/** The path of the route at this request's address, e.g. `/products/:slug/stock`; undefined when there is none. */
export const patternOf = (response: Response): string | undefined =>
  response.locals['pattern'] as string | undefined;

/** What this side answers at a route's path, HEAD with GET. */
export function methodsAt(routes: readonly Route[], pattern: string | undefined): readonly string[] {
  return routes
    .filter((route) => route.path === pattern && route.handle)
    .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
}

/** Finds the pattern of each request, for what comes after it and to count it by, and says who may keep the answer. */
export function findPatterns(routes: readonly Route[]): RequestHandler {
  const router = Router();
  const pages = new Set(routes.filter(({ kind }) => kind === 'page').map(({ path }) => path));
  for (const path of new Set(routes.map((route) => route.path))) {
    router.all(path, (_request, response, next) => {
      if (patternOf(response) === undefined) {
        response.locals['pattern'] = path;
        response.set('Cache-Control', pages.has(path) ? 'private, no-cache' : 'no-store');
      }
      next();
    });
  }
  return router;
}
