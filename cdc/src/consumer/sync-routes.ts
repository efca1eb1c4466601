import { rangeRequestSchema, type RangeReport, type RangeRequest, type RangeRows } from '@banyan/contracts';
import { requireBearer } from '@banyan/kit';
import { json, Router, type RequestHandler } from 'express';
import type { ApplyStore } from './apply-store.ts';
import type { Consumer } from './consumer.ts';
import type { CompiledTable } from './mapping.ts';

/**
 * What the control plane asks of a service, as an Express router to be mounted at the root:
 * - `GET /_banyan/sync`: `syncReportSchema`
 * - `GET /_banyan/barriers/:id`: `barrierReportSchema`
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

function answerRange(
  consumer: Consumer,
  read: (table: CompiledTable, request: RangeRequest) => Promise<RangeReport | RangeRows>,
): RequestHandler {
  return async (request, response) => {
    const parsed = rangeRequestSchema.safeParse(request.body);
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
