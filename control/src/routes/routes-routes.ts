import { proxyReportSchema, type RoutesSnapshot } from '@banyan/contracts';
import express from 'express';
import { z } from 'zod';
import type { AddRoutes } from '../http/add-routes.ts';
import { parse } from '../http/parse.ts';
import { goneSignal } from '../http/request.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';
import { askProxies } from './proxy-explainer.ts';
import type { ProxyRegistry } from './proxy-registry.ts';
import type { RoutesPublisher } from './routes-publisher.ts';
import type { RoutesStream } from './routes-stream.ts';

const explainQuery = z.strictObject({
  method: z
    .string()
    .regex(/^[A-Z]+$/, 'upper-case, e.g. GET')
    .default('GET'),
  path: z.string().regex(/^\//, 'starts with /'),
  user: z.string().min(1).optional(),
  visitor: z.string().min(1).optional(),
  key: z.string().min(1).optional(),
  pinned: z.enum(['true', 'false']).optional(),
  override: z.enum(['monolith', 'service']).optional(),
});

/** For proxies: `GET /v1/routes`, `/v1/routes/stream`, `POST /v1/proxies/report`. For people: `GET /v1/explain`. */
export function routesRoutes(deps: {
  readonly publisher: RoutesPublisher;
  readonly stream: RoutesStream;
  readonly proxies: ProxyRegistry;
  readonly ledger: Pick<SliceLedger, 'hear'>;
  /** For asking proxies. */
  readonly peerToken: string;
}): AddRoutes {
  const { publisher, stream, proxies, ledger, peerToken } = deps;
  const json = express.json({ limit: '1mb' });
  return (app, { isAdmin, isPeer }) => {
    app.get('/v1/routes', isPeer, (_request, response) => {
      response.json(publisher.current() satisfies RoutesSnapshot);
    });
    app.get('/v1/routes/stream', isPeer, stream.handler);
    app.post('/v1/proxies/report', isPeer, json, (request, response) => {
      const report = parse(proxyReportSchema, request.body, 'body');
      proxies.record(report);
      ledger.hear(report.snapshotVersion);
      response.status(204).end();
    });
    app.get('/v1/explain', isAdmin, async (request, response) => {
      const question = parse(explainQuery, request.query, 'query');
      const signal = goneSignal(response);
      response.json(await askProxies({ proxies: proxies.live(), question, peerToken, signal }));
    });
  };
}
