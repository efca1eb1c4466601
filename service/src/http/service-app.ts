import type { SliceDefinition } from '@banyan/contracts';
import type { IdentityVerifier, Logger } from '@banyan/kit';
import express, { type Express } from 'express';
import type { Copy } from '../keep-copy.ts';
import { issueCsrfToken } from './csrf.ts';
import { errorHandler } from './errors.ts';
import type { Face } from './face.ts';
import { operations } from './health.ts';
import { identifyBy } from './identify.ts';
import { createMetrics } from './metrics.ts';
import { mountRoutes, unanswered } from './mount-routes.ts';
import { refuseUnfit } from './refuse-unfit.ts';
import { refuseWrites } from './refuse-writes.ts';
import type { Route } from './route.ts';
import { findPatterns } from './route-pattern.ts';
import { securityHeaders } from './security-headers.ts';

export interface AppOptions {
  readonly slice: SliceDefinition;
  readonly routes: readonly Route[];
  readonly face?: Face | undefined;
  readonly verifier: IdentityVerifier;
  readonly copy: Pick<Copy, 'routes' | 'report' | 'problems' | 'unfitness'>;
  readonly log: Logger;
}

/** Where the monolith's visitors come: below the first segments of all routes but `/v1`, which is not theirs. */
const publicRoots = (routes: readonly Route[]): string[] =>
  [...new Set(routes.map(({ path }) => `/${path.split('/')[1] ?? ''}`))].filter((root) => root !== '/v1');

/** The whole service as an Express application. Listens nowhere by itself. */
export function serviceApp({ slice, routes, face = {}, verifier, copy, log }: AppOptions): Express {
  const app = express();
  const metrics = createMetrics(slice.name, copy);
  const identify = identifyBy(verifier);
  app.disable('x-powered-by');
  app.set('env', 'production'); // no stack traces for readers, whatever NODE_ENV says
  // Only the proxy on this machine is believed about who asked, and how.
  app.set('trust proxy', 'loopback');
  app.use(metrics.measure);
  // 1. For those who run the service.
  app.use(operations({ readiness: copy.problems, showMetrics: metrics.show }));
  app.use(copy.routes);
  // 2. For everybody.
  app.use(securityHeaders(face.headers));
  for (const root of publicRoots(routes)) {
    if (face.csrfCookie !== undefined) app.use(root, issueCsrfToken(face.csrfCookie));
  }
  app.use(findPatterns(routes), refuseWrites(routes), refuseUnfit(copy.unfitness, slice.title, log));
  app.use(mountRoutes({ routes, face, identify }));
  app.use(unanswered(routes));
  app.use(errorHandler({ routes, face, identify, log }));
  return app;
}
