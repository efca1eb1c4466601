import { outboxReadmitRequestSchema, type OutboxReadmitResponse } from '@banyan/contracts';
import express from 'express';
import type { AddRoutes } from '../http/add-routes.ts';
import { parse } from '../http/parse.ts';
import { goneSignal } from '../http/request.ts';
import { RefusedError } from '../slices/refused-error.ts';
import type { OutboxTable } from './outbox-table.ts';

/**
 * The way back of an outbox that was taken out of the feed: `/v1/outbox/readmit`.
 *
 * @param outbox Null without one.
 */
export function outboxRoutes(outbox: Pick<OutboxTable, 'readmit'> | null): AddRoutes {
  const json = express.json({ limit: '100kb' });
  return (app, { isAdmin }) => {
    app.post('/v1/outbox/readmit', isAdmin, json, async (request, response) => {
      const order = parse(outboxReadmitRequestSchema, request.body, 'body');
      if (!outbox) {
        throw new RefusedError('There is no outbox.', {
          code: 'no-outbox',
          reasons: ['OUTBOX_TABLE is not set'],
          nextSteps: ['banyan status'],
        });
      }
      const status = await outbox.readmit(order, goneSignal(response));
      response.json({
        schema_version: 1,
        outbox: status,
        next_steps: ['banyan status'],
      } satisfies OutboxReadmitResponse);
    });
  };
}
