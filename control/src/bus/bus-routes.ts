import { OffsetGoneError } from '@banyan/cdc/bus';
import { z } from 'zod';
import { ControlError } from '../control-error.ts';
import type { AddRoutes } from '../http/add-routes.ts';
import { parse } from '../http/parse.ts';
import { BusInspector, type BusInspectorDeps } from './bus-inspector.ts';

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
export function busRoutes(deps: BusInspectorDeps): AddRoutes {
  const inspector = new BusInspector(deps);
  return (app, { isAdmin }) => {
    app.get('/v1/bus/topics', isAdmin, async (_request, response) => {
      response.json(await inspector.topics());
    });
    app.get('/v1/bus/groups', isAdmin, async (_request, response) => {
      response.json(await inspector.groups());
    });
    app.get('/v1/bus/records', isAdmin, async (request, response) => {
      const query = parse(recordsQuery, request.query, 'query');
      response.json(
        await inspector.records(query).catch((error: unknown) => {
          throw error instanceof OffsetGoneError ? recordsGone(query.topic, error) : error;
        }),
      );
    });
  };
}

function recordsGone(topic: string, cause: OffsetGoneError): ControlError {
  const first = cause.starts[0]?.nextOffset ?? 0;
  return new ControlError('refused', cause.code, 'These records are no longer on the bus.', {
    evidence: [`the first record kept of ${topic} is ${first}`],
    nextSteps: [`banyan bus read ${topic} --from ${first}`],
    cause,
  });
}
