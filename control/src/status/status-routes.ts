import { CONTROL_SCHEMA_VERSION } from '@banyan/contracts';
import type { AddRoutes } from '../http/add-routes.ts';
import { renderMetrics } from '../http/metrics.ts';
import { paramOf } from '../http/request.ts';
import type { StatusReporter } from './status-report.ts';

/** `GET /v1/status`, `/v1/slices`, `/v1/slices/:name`, and the same for Prometheus: `/metrics`, which is open. */
export function statusRoutes(reporter: StatusReporter): AddRoutes {
  return (app, { isAdmin }) => {
    app.get('/metrics', async (_request, response) => {
      const { contentType, text } = await renderMetrics(await reporter.status());
      response.set('content-type', contentType).send(text);
    });
    app.get('/v1/status', isAdmin, async (_request, response) => {
      response.json(await reporter.status());
    });
    app.get('/v1/slices', isAdmin, async (_request, response) => {
      response.json({ schema_version: CONTROL_SCHEMA_VERSION, slices: await reporter.slices() });
    });
    app.get('/v1/slices/:name', isAdmin, async (request, response) => {
      response.json(await reporter.slice(paramOf(request, 'name')));
    });
  };
}
