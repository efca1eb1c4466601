import express, { Router, type Request, type RequestHandler, type Response } from 'express';
import { Refusal } from '../refusal.ts';
import { csrfTokenOf, refuseForged } from './csrf.ts';
import type { Face } from './face.ts';
import type { Identify } from './identify.ts';
import { methodsAt, patternOf } from './route-pattern.ts';
import { SeeOther, View, type Customer, type Route } from './route.ts';

/** Largest body that a route takes. */
const MAX_BODY = '100kb';

export interface MountOptions {
  readonly routes: readonly Route[];
  readonly face: Face;
  readonly identify: Identify;
}

async function send(
  response: Response,
  answer: unknown,
  about: { readonly route: Route; readonly face: Face; readonly customer: Customer | null },
): Promise<void> {
  const { route, face, customer } = about;
  if (answer instanceof SeeOther) {
    response.redirect(303, answer.path);
    return;
  }
  if (!(answer instanceof View)) {
    response.json(answer);
    return;
  }
  if (!face.pages) throw new Error(`${route.path} answers with a page, and the service has none`);
  const frame = { customer, csrfToken: csrfTokenOf(response) };
  const html = await face.pages.render(answer.template, answer.locals, frame);
  response.type('html').send(html);
}

function handlerOf(route: Route, { face, identify }: MountOptions): RequestHandler {
  const { handle, method } = route;
  return async (request: Request, response) => {
    // Before it comes to this, `refuseWrites` refused whatever nobody takes here.
    if (!handle) throw new Refusal('method-not-allowed', 'This address does not take that method.');
    if (method !== 'GET' && !route.path.startsWith('/v1/')) refuseForged(request, face.csrfCookie);
    const customer = route.identity ? await identify(request) : null;
    const params = request.params as Readonly<Record<string, string>>;
    const body: unknown = request.body;
    const answer = await handle({ params, query: request.query, body, customer });
    await send(response, answer, { route, face, customer });
  };
}

/** The routes as an Express router. HEAD, ETag, `If-None-Match` and OPTIONS come with Express. */
export function mountRoutes(options: MountOptions): Router {
  const router = Router();
  const parsers = [
    express.json({ limit: MAX_BODY }),
    express.urlencoded({ extended: false, limit: MAX_BODY }),
  ];
  for (const route of options.routes) {
    const verb = route.method.toLowerCase() as 'get' | 'post' | 'put' | 'patch' | 'delete';
    const before = route.method === 'GET' || !route.handle ? [] : parsers;
    router.route(route.path)[verb](...before, handlerOf(route, options));
  }
  return router;
}

/** Last of the routes: nothing else answered. @throws Refusal `not-found`, or `method-not-allowed` at a known address */
export function unanswered(routes: readonly Route[]): RequestHandler {
  return (_request, response) => {
    const answered = methodsAt(routes, patternOf(response));
    if (answered.length === 0) {
      throw new Refusal('not-found', 'There is nothing at this address. It may have moved.');
    }
    response.set('Allow', answered.join(', '));
    throw new Refusal('method-not-allowed', 'This address does not take that method.');
  };
}
