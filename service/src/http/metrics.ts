import type { RequestHandler } from 'express';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Copy } from '../keep-copy.ts';
import { patternOf } from './route-pattern.ts';

/** What the service measures of itself, for Prometheus. */
export interface Metrics {
  /** Counts and times every request that is answered after it. */
  readonly measure: RequestHandler;
  /** `GET /metrics`. */
  readonly show: RequestHandler;
}

const OPERATIONS = /^\/(healthz|readyz|metrics|_banyan)(\/|$)/;

/** A fixed name for an address that has no route: a label for each path would never stop growing. */
const withoutRoute = (path: string): string => (OPERATIONS.test(path) ? 'operation' : 'none');

/** What is not known has no value, rather than 0: gauges are emptied before each look. */
function measureCopy(slice: string, copy: Pick<Copy, 'report'>, registry: Registry): void {
  const registers = [registry];
  new Gauge({
    name: 'banyan_service_copy_lag_seconds',
    help: 'From commit in the monolith to apply here, over the last minute.',
    labelNames: ['slice', 'quantile'],
    registers,
    collect() {
      this.reset();
      const lag = copy.report()?.lag;
      if (!lag) return;
      this.set({ slice, quantile: '0.5' }, lag.p50Ms / 1000);
      this.set({ slice, quantile: '0.99' }, lag.p99Ms / 1000);
    },
  });
  new Gauge({
    name: 'banyan_service_copy_heartbeat_age_seconds',
    help: "Age of the last heartbeat of the monolith's database that came here.",
    labelNames: ['slice'],
    registers,
    collect() {
      this.reset();
      const report = copy.report();
      if (!report || report.heartbeatAtMs === null) return;
      this.set({ slice }, (report.nowMs - report.heartbeatAtMs) / 1000);
    },
  });
  new Gauge({
    name: 'banyan_service_copy_quarantined_records',
    help: 'Records that could not be applied, in quarantine, by table of the monolith.',
    labelNames: ['slice', 'table'],
    registers,
    collect() {
      this.reset();
      for (const { source, quarantined } of copy.report()?.tables ?? []) {
        this.set({ slice, table: source }, quarantined);
      }
    },
  });
}

/** A registry of its own, so that several services may live in one process. */
export function createMetrics(slice: string, copy: Pick<Copy, 'report'>): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  measureCopy(slice, copy, registry);
  const requests = new Counter({
    name: 'banyan_service_http_requests_total',
    help: 'Requests answered, by the pattern of their route.',
    labelNames: ['slice', 'route', 'method', 'status'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'banyan_service_http_request_duration_seconds',
    help: 'Time from a request to the end of its answer.',
    labelNames: ['slice', 'route'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    registers: [registry],
  });
  return {
    measure: (request, response, next) => {
      const { path, method } = request;
      const end = seconds.startTimer({ slice });
      response.once('close', () => {
        const route = patternOf(response) ?? withoutRoute(path);
        end({ route });
        requests.inc({ slice, route, method, status: response.statusCode });
      });
      next();
    },
    show: async (_request, response) => {
      response.type(registry.contentType).send(await registry.metrics());
    },
  };
}
