import { Router, type RequestHandler } from 'express';

/** Whether the service may be sent requests: every reason against it, none when ready. */
export type Readiness = () => readonly string[];

/** `GET /healthz` (the process answers), `GET /readyz` (it should be sent requests) and `GET /metrics`. */
export function operations({
  readiness,
  showMetrics,
}: {
  readonly readiness: Readiness;
  readonly showMetrics: RequestHandler;
}): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'alive' });
  });
  router.get('/readyz', (_request, response) => {
    const problems = readiness();
    response
      .status(problems.length === 0 ? 200 : 503)
      .json({ status: problems.length === 0 ? 'ready' : 'not-ready', problems });
  });
  router.get('/metrics', showMetrics);
  return router;
}
