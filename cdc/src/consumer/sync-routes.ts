import {
  rangeRequestSchema,
  retryRequestSchema,
  skipRequestSchema,
  type RangeReport,
  type RangeRequest,
  type RangeRows,
} from '@banyan/contracts';
import { requireBearer } from '@banyan/kit';
import { json, Router, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import type { ApplyStore } from './apply-store.ts';
import type { Consumer } from './consumer.ts';
import type { CompiledTable } from './mapping.ts';

/**
 * What the control plane asks of a service, as an Express router to be mounted at the root:
 * - `GET /_banyan/sync`: `syncReportSchema`
 * - `GET /_banyan/barriers/:id`: `barrierReportSchema`
 * - `GET /_banyan/store`: `storeReportSchema`, the slice's tables as the store has them
 * - `GET /_banyan/quarantine?limit=`: `quarantineReportSchema`
 * - `POST /_banyan/quarantine/retry` (`retryRequestSchema`): `retryReportSchema`
 * - `POST /_banyan/quarantine/skip` (`skipRequestSchema`): `skipReportSchema`
 * - `POST /_banyan/range`, `POST /_banyan/rows` (`rangeRequestSchema`): `rangeReportSchema`, `rangeRowsSchema`
 *
 * Everything wants `Authorization: Bearer <peerToken>`.
 */
export function syncRoutes(options: {
  readonly consumer: Consumer;
  readonly store: ApplyStore;
  readonly peerToken: string;
}): Router {
  const { consumer, store, peerToken } = options;
  const router = Router();
  router.use('/_banyan', requireBearer(peerToken), json({ limit: '64kb' }));
  router.get('/_banyan/sync', (_request, response) => {
    response.json(consumer.report());
  });
  router.get('/_banyan/barriers/:id', async (request, response) => {
    response.json({ metTopics: await consumer.metTopics(request.params.id) });
  });
  router.get('/_banyan/store', async (_request, response) => {
    response.json(await store.describe(consumer.tables.map(({ target }) => target)));
  });
  addQuarantineRoutes(router, consumer);
  router.post(
    '/_banyan/range',
    answerRange(consumer, (table, range) => store.range(table, range)),
  );
  router.post(
    '/_banyan/rows',
    answerRange(consumer, (table, range) => store.rows(table, range)),
  );
  return router;
}

const listQuery = z.object({ limit: z.coerce.number().int().min(1).max(1_000).default(20) });

function addQuarantineRoutes(router: Router, { quarantine }: Consumer): void {
  router.get('/_banyan/quarantine', async (request, response) => {
    const query = parse(listQuery, request.query, response);
    if (query) response.json(await quarantine.list(query.limit));
  });
  router.post('/_banyan/quarantine/retry', async (request, response) => {
    const order = parse(retryRequestSchema, request.body, response);
    if (order) response.json(await quarantine.retry(order));
  });
  router.post('/_banyan/quarantine/skip', async (request, response) => {
    const order = parse(skipRequestSchema, request.body, response);
    if (order) response.json(await quarantine.skip(order));
  });
}

/** Null when `value` is not as wanted; that was answered then. */
function parse<T>(schema: z.ZodType<T>, value: unknown, response: Response): T | null {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  response.status(400).json({ error: { code: 'invalid-request', message: problems.join('; ') } });
  return null;
}

function answerRange(
  consumer: Consumer,
  read: (table: CompiledTable, request: RangeRequest) => Promise<RangeReport | RangeRows>,
): RequestHandler {
  return async (request, response) => {
    const range = parse(rangeRequestSchema, request.body, response);
    if (!range) return;
    const table = consumer.tables.find(({ target }) => target === range.table);
    if (!table) {
      const message = `The slice has no table "${range.table}".`;
      response.status(404).json({ error: { code: 'unknown-table', message } });
      return;
    }
    response.json(await read(table, range));
  };
}
