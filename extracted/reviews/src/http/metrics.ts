import type { RequestHandler } from 'express';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Copy } from '../copy.ts';

/** What the service measures of itself, for Prometheus. */
export interface Metrics {
  /** Counts and times every request that is answered after it. */
  readonly measure: RequestHandler;
  /** `GET /metrics`. */
  readonly show: RequestHandler;
  readonly registry: Registry;
}

/** Fixed names for addresses: a label with a value for each slug would never stop growing. */
function routeOf(path: string): string {
  if (path.startsWith('/api/')) return 'public-api';
  if (path.startsWith('/products/')) return 'page';
  if (path.startsWith('/v1/')) return 'v1';
  return 'operation';
}

/** What is not known has no value, rather than 0: gauges are emptied before each look. */
function measureCopy(copy: Pick<Copy, 'report'>, registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'reviews_copy_lag_seconds',
    help: 'From commit in the shop to apply here, over the last minute.',
    labelNames: ['quantile'],
    registers,
    collect() {
      this.reset();
      const lag = copy.report()?.lag;
      if (!lag) return;
      this.set({ quantile: '0.5' }, lag.p50Ms / 1000);
      this.set({ quantile: '0.99' }, lag.p99Ms / 1000);
    },
  });
  new Gauge({
    name: 'reviews_copy_heartbeat_age_seconds',
    help: "Age of the last heartbeat of the shop's database that came here.",
    labelNames: ['slice'],
    registers,
    collect() {
      this.reset();
      const report = copy.report();
      if (!report || report.heartbeatAtMs === null) return;
      this.set({ slice: report.slice }, (report.nowMs - report.heartbeatAtMs) / 1000);
    },
  });
  new Gauge({
    name: 'reviews_copy_quarantined_rows',
    help: 'Events that could not be applied, by table.',
    labelNames: ['table'],
    registers,
    collect() {
      this.reset();
      for (const { target, quarantined } of copy.report()?.tables ?? []) {
        this.set({ table: target }, quarantined);
      }
    },
  });
}

/** A registry of its own, so that several services may live in one process. */
export function createMetrics(copy: Pick<Copy, 'report'>): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  measureCopy(copy, registry);
  const labelNames = ['route', 'method', 'status'] as const;
  const requests = new Counter({
    name: 'reviews_http_requests_total',
    help: 'Requests answered.',
    labelNames,
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'reviews_http_request_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [registry],
  });
  return {
    registry,
    measure: (request, response, next) => {
      const route = routeOf(request.path);
      const end = seconds.startTimer({ route });
      response.once('close', () => {
        end();
        requests.inc({ route, method: request.method, status: response.statusCode });
      });
      next();
    },
    show: async (_request, response) => {
      response.type(registry.contentType).send(await registry.metrics());
    },
  };
}
