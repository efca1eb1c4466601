import { piecesRequestSchema, rowsRequestSchema } from '@banyan/contracts';
import { requireBearer } from '@banyan/kit';
import { json, Router, type RequestHandler } from 'express';
import type { z } from 'zod';
import { hashPieces, listRows } from './answer-ranges.ts';
import type { ApplyStore } from './apply-store.ts';
import type { Consumer } from './consumer.ts';
import type { CompiledTable } from './mapping.ts';

/**
 * What the control plane asks of a service, as an Express router to be mounted at the root:
 * - `GET /_banyan/sync`: `syncReportSchema`
 * - `GET /_banyan/barriers/:id`: `barrierReportSchema`
 * - `POST /_banyan/pieces` (`piecesRequestSchema`): `piecesReportSchema`
 * - `POST /_banyan/rows` (`rowsRequestSchema`): `rowsReportSchema`
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
  router.use('/_banyan', requireBearer(peerToken), json({ limit: '1mb' }));
  router.get('/_banyan/sync', (_request, response) => {
    response.json(consumer.report());
  });
  router.get('/_banyan/barriers/:id', async (request, response) => {
    response.json({ metTopics: await consumer.metTopics(request.params.id) });
  });
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

function answer<T extends { readonly table: string }>(
  consumer: Consumer,
  schema: z.ZodType<T>,
  read: (table: CompiledTable, request: T) => Promise<unknown>,
): RequestHandler {
  return async (request, response) => {
    const parsed = schema.safeParse(request.body);
    if (!parsed.success) {
      const problems = parsed.error.issues.map(
        (issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`,
      );
      response.status(400).json({ error: { code: 'invalid-request', message: problems.join('; ') } });
      return;
    }
    const table = consumer.tables.find(({ target }) => target === parsed.data.table);
    if (!table) {
      const message = `The slice has no table "${parsed.data.table}".`;
      response.status(404).json({ error: { code: 'unknown-table', message } });
      return;
    }
    response.json(await read(table, parsed.data));
  };
}
