import type { Logger } from '@banyan/kit';
import express, { type Express } from 'express';
import type { ControlError } from '../control-error.ts';
import type { AddRoutes } from './add-routes.ts';
import { requireToken } from './auth.ts';
import { answerErrors, unknownAddress } from './problem.ts';

export interface AppDeps {
  /** Each feature's. */
  readonly routes: readonly AddRoutes[];
  readonly adminToken: string;
  readonly peerToken: string;
  /** An error of another package as one of ours; null for what it does not know. */
  readonly translate: (error: unknown) => ControlError | null;
  readonly log: Logger;
}

/** The control plane's HTTP API: `/v1` for people (admin token) and peers (peer token), health and metrics open. */
export function createApp({ routes, adminToken, peerToken, translate, log }: AppDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  const guards = {
    isAdmin: requireToken(adminToken, 'the token of people: in the file ADMIN_TOKEN_FILE'),
    isPeer: requireToken(peerToken, 'the token of proxies and services: setting PEER_TOKEN'),
  };
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  for (const addRoutes of routes) addRoutes(app, guards);
  app.use(unknownAddress);
  app.use(answerErrors(log, translate));
  return app;
}
