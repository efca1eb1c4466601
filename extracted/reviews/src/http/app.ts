import type { IdentityVerifier, Logger } from '@banyan/kit';
import express, { type Express, type RequestHandler } from 'express';
import type { Copy } from '../copy.ts';
import type { FindReviews } from '../find-reviews.ts';
import { issueCsrfToken } from './csrf.ts';
import { errorHandler, unknownPath } from './errors.ts';
import { frameLocals, securityHeaders, usePages } from './frame.ts';
import { operations } from './health.ts';
import { identify } from './identify.ts';
import { createMetrics } from './metrics.ts';
import { publicApi } from './public-api.ts';
import { publicPages } from './public-pages.ts';
import { refuseUnfit } from './refuse-unfit.ts';
import { refuseWrites } from './refuse-writes.ts';
import { v1Api } from './v1-api.ts';

export interface AppOptions {
  readonly find: FindReviews;
  readonly verifier: IdentityVerifier;
  readonly copy: Pick<Copy, 'routes' | 'report' | 'problems' | 'unfitness'>;
  readonly log: Logger;
}

const cacheControl =
  (value: string): RequestHandler =>
  (_request, response, next) => {
    response.set('Cache-Control', value);
    next();
  };

/** The whole service as an Express application. Listens nowhere by itself. */
export function createApp({ find, verifier, copy, log }: AppOptions): Express {
  const app = express();
  const metrics = createMetrics(copy);
  app.disable('x-powered-by');
  app.set('env', 'production'); // no stack traces for readers, whatever NODE_ENV says
  // Only the proxy on this machine is believed about who asked, and how.
  app.set('trust proxy', 'loopback');
  usePages(app);
  app.use(metrics.measure);
  // 1. For those who run the service.
  app.use(operations({ readiness: copy.problems, showMetrics: metrics.show }));
  app.use(copy.routes);
  // 2. For everybody: nothing is written here, and only the token says who asks.
  app.use(securityHeaders, frameLocals, refuseWrites);
  app.use(['/v1', '/api', '/products'], refuseUnfit(copy.unfitness, log));
  app.use('/v1', cacheControl('no-store'), v1Api(find));
  app.use(['/api', '/products'], issueCsrfToken);
  app.use('/api', cacheControl('no-store'), publicApi(find));
  app.use('/products', identify(verifier), cacheControl('private, no-cache'));
  app.use(publicPages(find));
  app.use(unknownPath);
  app.use(errorHandler(log));
  return app;
}
