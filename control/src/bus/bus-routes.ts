import { OffsetGoneError } from '@banyan/cdc';
import type { Express, RequestHandler, Response } from 'express';
import { z } from 'zod';
import { UnknownTopicError, type BusInspector } from './bus-inspector.ts';
import { parse } from '../http/parse.ts';
import { sendProblem } from '../http/problem.ts';

const recordsQuery = z.strictObject({
  topic: z.string().min(1),
  from: z.coerce.number().int().nonnegative().optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(20),
  key: z.string().min(1).optional(),
  values: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
});

/** Looking at the bus: `GET /v1/bus/topics`, `/v1/bus/groups`, `/v1/bus/records?topic=&from=&limit=&key=&values=`. */
export function addBusRoutes(app: Express, inspector: BusInspector, isAdmin: RequestHandler): void {
  app.get('/v1/bus/topics', isAdmin, async (_request, response) => {
    response.json(await inspector.topics());
  });
  app.get('/v1/bus/groups', isAdmin, async (_request, response) => {
    response.json(await inspector.groups());
  });
  app.get('/v1/bus/records', isAdmin, async (request, response) => {
    const query = parse(recordsQuery, request.query, 'query');
    try {
      response.json(await inspector.records(query));
    } catch (error) {
      if (!answered(response, error, query.topic)) throw error;
    }
  });
}

function answered(response: Response, error: unknown, topic: string): boolean {
  if (error instanceof UnknownTopicError) {
    const evidence = [`topics: ${error.topics.join(', ') || 'none yet'}`];
    const { code, message } = error;
    sendProblem(response, { status: 404, code, message, evidence, nextSteps: ['banyan bus topics'] });
    return true;
  }
  if (error instanceof OffsetGoneError) {
    const first = error.starts[0]?.nextOffset ?? 0;
    sendProblem(response, {
      ...{ status: 409, code: error.code, message: 'These records are no longer on the bus.' },
      evidence: [`the first record kept of ${topic} is ${first}`],
      nextSteps: [`banyan bus read ${topic} --from ${first}`],
    });
    return true;
  }
  return false;
}
