import { outboxReadmitRequestSchema, type OutboxReadmitResponse } from '@banyan/contracts';
import express, { type Express } from 'express';
import type { OutboxTable } from '../use-cases/outbox-table.ts';
import { RefusedError } from '../use-cases/verb-order.ts';
import { requireToken } from './auth.ts';
import { parse } from './parse.ts';
import { goneSignal } from './request.ts';

/** The way back of an outbox that was taken out of the feed: `/v1/outbox/readmit`. */
export function addOutboxRoutes(
  app: Express,
  deps: { readonly outbox: Pick<OutboxTable, 'readmit'> | null; readonly adminToken: string },
): void {
  const { outbox } = deps;
  const isAdmin = requireToken(deps.adminToken, 'the token of people: in the file ADMIN_TOKEN_FILE');
  const json = express.json({ limit: '100kb' });
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
      ...{ schema_version: 1, outbox: status, next_steps: ['banyan status'] },
    } satisfies OutboxReadmitResponse);
  });
}
