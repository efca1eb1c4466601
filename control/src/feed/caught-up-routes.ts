import { caughtUpRequestSchema } from '@banyan/contracts';
import express from 'express';
import type { AddRoutes } from '../http/add-routes.ts';
import { parse } from '../http/parse.ts';
import { waitUntilCaughtUp } from './caught-up-request.ts';

/** `POST /v1/caught-up`, for proxies that pin. */
export function caughtUpRoutes(deps: Parameters<typeof waitUntilCaughtUp>[0]): AddRoutes {
  const json = express.json({ limit: '1mb' });
  return (app, { isPeer }) => {
    app.post('/v1/caught-up', isPeer, json, async (request, response) => {
      response.json(await waitUntilCaughtUp(deps, parse(caughtUpRequestSchema, request.body, 'body')));
    });
  };
}
