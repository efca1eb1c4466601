import {
  CONTROL_SCHEMA_VERSION,
  caughtUpRequestSchema,
  proxyReportSchema,
  type RoutesSnapshot,
  type VerificationResponse,
} from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import express, { type Express } from 'express';
import { z } from 'zod';
import { askProxies } from '../adapters/proxy-explainer.ts';
import { waitUntilCaughtUp } from '../use-cases/caught-up-request.ts';
import type { BusInspector } from '../use-cases/bus-inspector.ts';
import type { CaughtUpRounds } from '../use-cases/caught-up-rounds.ts';
import { findSlice, type ManagedSlice } from '../use-cases/managed-slice.ts';
import type { OutboxTable } from '../use-cases/outbox-table.ts';
import type { ProxyRegistry } from '../use-cases/proxy-registry.ts';
import type { RoutesPublisher } from '../use-cases/routes-publisher.ts';
import type { SliceLedger } from '../use-cases/slice-ledger.ts';
import type { HeldRecords } from '../use-cases/held-records.ts';
import type { SliceVerbs } from '../use-cases/slice-verbs.ts';
import type { StatusReporter } from '../use-cases/status-report.ts';
import { nextStepsAfterVerification } from '../use-cases/verification-report.ts';
import type { VerificationRunner } from '../use-cases/verification-runner.ts';
import { requireToken } from './auth.ts';
import { addBusRoutes } from './bus-routes.ts';
import { addOutboxRoutes } from './outbox-routes.ts';
import { addQuarantineRoutes } from './quarantine-routes.ts';
import { goneSignal, paramOf } from './request.ts';
import { renderMetrics } from './metrics.ts';
import { parse, parseOrder, parseVerb } from './parse.ts';
import { answerErrors, unknownAddress } from './problem.ts';
import type { RoutesStream } from './routes-stream.ts';

export interface AppDeps {
  readonly ledger: SliceLedger;
  readonly verbs: SliceVerbs;
  readonly held: HeldRecords;
  /** Null without an outbox. */
  readonly outbox: Pick<OutboxTable, 'readmit'> | null;
  readonly reporter: StatusReporter;
  readonly verifications: Pick<VerificationRunner, 'report'>;
  readonly publisher: RoutesPublisher;
  readonly stream: RoutesStream;
  readonly proxies: ProxyRegistry;
  readonly rounds: CaughtUpRounds;
  readonly inspector: BusInspector;
  readonly slices: readonly ManagedSlice[];
  readonly adminToken: string;
  readonly peerToken: string;
  readonly log: Logger;
}

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

const journalQuery = z.strictObject({
  slice: z.string().min(1).optional(),
  afterId: z.coerce.number().int().nonnegative().optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

/** The control plane's HTTP API: `/v1` for people (admin token) and peers (peer token), health and metrics open. */
export function createApp(deps: AppDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  app.get('/metrics', async (_request, response) => {
    const { contentType, text } = await renderMetrics(await deps.reporter.status());
    response.set('content-type', contentType).send(text);
  });
  addPeerRoutes(app, deps);
  addAdminRoutes(app, deps);
  app.use(unknownAddress);
  app.use(answerErrors(deps.log));
  return app;
}

function addPeerRoutes(app: Express, deps: AppDeps): void {
  const { publisher, proxies, stream, ledger } = deps;
  const isPeer = requireToken(deps.peerToken, 'the token of proxies and services: setting PEER_TOKEN');
  const json = express.json({ limit: '1mb' });
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
  app.post('/v1/caught-up', isPeer, json, async (request, response) => {
    response.json(await waitUntilCaughtUp(deps, parse(caughtUpRequestSchema, request.body, 'body')));
  });
}

function addAdminRoutes(app: Express, deps: AppDeps): void {
  const { ledger, reporter, proxies, peerToken, slices, verifications } = deps;
  const isAdmin = requireToken(deps.adminToken, 'the token of people: in the file ADMIN_TOKEN_FILE');
  const json = express.json({ limit: '100kb' });
  addBusRoutes(app, deps.inspector, isAdmin);
  app.get('/v1/status', isAdmin, async (_request, response) => {
    response.json(await reporter.status());
  });
  app.get('/v1/slices', isAdmin, async (_request, response) => {
    response.json({ schema_version: CONTROL_SCHEMA_VERSION, slices: await reporter.slices() });
  });
  app.get('/v1/slices/:name', isAdmin, async (request, response) => {
    response.json(await reporter.slice(paramOf(request, 'name')));
  });
  app.get('/v1/slices/:name/verification', isAdmin, (request, response) => {
    const { name } = findSlice(slices, paramOf(request, 'name'));
    const report = verifications.report(name);
    response.json({
      ...{ schema_version: CONTROL_SCHEMA_VERSION, slice: name, report },
      next_steps: nextStepsAfterVerification(name, report),
    } satisfies VerificationResponse);
  });
  app.get('/v1/explain', isAdmin, async (request, response) => {
    const question = parse(explainQuery, request.query, 'query');
    const signal = goneSignal(response);
    response.json(await askProxies({ proxies: proxies.live(), question, peerToken, signal }));
  });
  app.get('/v1/journal', isAdmin, async (request, response) => {
    const query = parse(journalQuery, request.query, 'query');
    if (query.slice !== undefined) findSlice(slices, query.slice);
    const entries = await ledger.journal(query);
    response.json({ schema_version: CONTROL_SCHEMA_VERSION, entries });
  });
  addQuarantineRoutes(app, deps);
  addOutboxRoutes(app, deps);
  app.post('/v1/slices/:name/:verb', isAdmin, json, async (request, response) => {
    const { name } = findSlice(slices, paramOf(request, 'name'));
    const order = parseOrder(name, parseVerb(paramOf(request, 'verb')), request.body);
    response.json(await deps.verbs.perform(name, order, goneSignal(response)));
  });
}
