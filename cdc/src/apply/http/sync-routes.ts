import {
  heldKeyRequestSchema,
  piecesRequestSchema,
  retryRequestSchema,
  rowsRequestSchema,
} from '@banyan/contracts';
import { requireBearer } from '@banyan/kit';
import { json, Router, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import { hashPieces, listRows } from './answer-ranges.ts';
import type { ApplyStore } from '../apply-store.ts';
import type { Consumer } from '../consumer.ts';
import type { CompiledTable } from '../../rows/mapping.ts';

/**
 * What the control plane asks of a service, as an Express router to be mounted at the root:
 * - `GET /_banyan/sync`: `syncReportSchema`
 * - `GET /_banyan/barriers/:id`: `barrierReportSchema`
 * - `GET /_banyan/store`: `storeReportSchema`, the slice's tables as the store has them
 * - `GET /_banyan/quarantine?limit=`: `quarantineReportSchema`
 * - `POST /_banyan/quarantine/retry` (`retryRequestSchema`): `retryReportSchema`
 * - `POST /_banyan/quarantine/key` (`heldKeyRequestSchema`): `heldKeyReportSchema`
 * - `POST /_banyan/pieces` (`piecesRequestSchema`): `piecesReportSchema`
 * - `POST /_banyan/rows` (`rowsRequestSchema`): `rowsReportSchema`
 *
 * Everything wants `Authorization: Bearer <peerToken>`.
 */
export function syncRoutes(options: {
  readonly consumer: Consumer;
  readonly store: ApplyStore;
  readonly peerToken: string;
  /** What a person should see first of the service, beside how the copy stands. Default: nothing. */
  readonly problems?: () => readonly string[];
}): Router {
  const { consumer, store, peerToken, problems = () => [] } = options;
  const router = Router();
  router.use('/_banyan', requireBearer(peerToken), json({ limit: '1mb' }));
  router.get('/_banyan/sync', (_request, response) => {
    response.json({ ...consumer.report(), problems: problems() });
  });
  router.get('/_banyan/barriers/:id', async (request, response) => {
    response.json({ metTopics: await consumer.metTopics(request.params.id) });
  });
  router.get('/_banyan/store', async (_request, response) => {
    response.json(await store.describe(consumer.tables.map(({ target }) => target)));
  });
  addQuarantineRoutes(router, consumer);
  router.post(
    '/_banyan/pieces',
    answer(consumer, piecesRequestSchema, (table, request) => hashPieces(store.ranges, table, request)),
  );
  router.post(
    '/_banyan/rows',
    answer(consumer, rowsRequestSchema, (table, request) => listRows(store.ranges, table, request)),
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
  router.post('/_banyan/quarantine/key', (request, response) => {
    const question = parse(heldKeyRequestSchema, request.body, response);
    if (question) response.json(quarantine.heldOf(question));
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

function answer<T extends { readonly table: string }>(
  consumer: Consumer,
  schema: z.ZodType<T>,
  read: (table: CompiledTable, request: T) => Promise<unknown>,
): RequestHandler {
  return async (request, response) => {
    const question = parse(schema, request.body, response);
    if (!question) return;
    const table = consumer.tables.find(({ target }) => target === question.table);
    if (!table) {
      const message = `The slice has no table "${question.table}".`;
      response.status(404).json({ error: { code: 'unknown-table', message } });
      return;
    }
    response.json(await read(table, question));
  };
}
