import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import type { ActiveRoutes } from '../routes/active-routes.ts';
import type { OpenWebSockets } from '../forward/open-web-sockets.ts';
import type { BreakerOf, BreakerState } from '../forward/domain/slice-breaker.ts';
import type { Traffic } from './traffic.ts';

export interface MetricsOptions {
  readonly traffic: Traffic;
  readonly routes: ActiveRoutes;
  /** How often the control plane was asked how far the copies are, by what it said. */
  readonly rounds: { readonly caughtUp: number; readonly notYet: number; readonly failed: number };
  readonly breakerOf: BreakerOf;
  /** How many requests and connections were turned away. */
  readonly limits: { readonly refused: number };
  readonly openWebSockets: Pick<OpenWebSockets, 'size'>;
  /** The stream of routes snapshots. */
  readonly link: { readonly isConnected: boolean };
  /** Adds Node's own metrics (memory, event loop, garbage collection); once a process. */
  readonly withProcessMetrics: boolean;
}

const breakerValues: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 0.5, open: 1 };

/** Metrics for Prometheus, all named `banyan_proxy_*`. Read from the counts when scraped; a request pays nothing. */
export function createMetrics(options: MetricsOptions): Registry {
  const { traffic, routes, rounds, breakerOf, limits, openWebSockets, link, withProcessMetrics } = options;
  const registry = new Registry();
  const registers = [registry];
  if (withProcessMetrics) collectDefaultMetrics({ register: registry });

  const counter = (name: string, help: string, read: () => number): void => {
    new Counter({
      name: `banyan_proxy_${name}`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  };
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name: `banyan_proxy_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };

  new Counter({
    name: 'banyan_proxy_requests_total',
    help: 'Requests, by slice (empty for none), side that was to answer, and reason.',
    labelNames: ['slice', 'target', 'reason'],
    registers,
    collect() {
      this.reset();
      for (const { count, ...labels } of traffic.served.values()) this.inc(labels, count);
    },
  });
  new Gauge({
    name: 'banyan_proxy_upstream_response_seconds',
    help: 'Time to the response headers over the last minute, by slice, side and quantile.',
    labelNames: ['slice', 'target', 'quantile'],
    registers,
    collect() {
      this.reset();
      const snapshot = routes.current?.snapshot;
      for (const line of snapshot ? traffic.report(snapshot, breakerOf) : []) {
        for (const target of ['monolith', 'service'] as const) {
          const { p50Ms, p95Ms } = line[target];
          if (p50Ms !== null) this.set({ slice: line.slice, target, quantile: '0.5' }, p50Ms / 1_000);
          if (p95Ms !== null) this.set({ slice: line.slice, target, quantile: '0.95' }, p95Ms / 1_000);
        }
      }
    },
  });
  new Gauge({
    name: 'banyan_proxy_breaker_open',
    help: '1 while reads are kept from a failing service, 0.5 while one tries, else 0.',
    labelNames: ['slice'],
    registers,
    collect() {
      this.reset();
      for (const { name } of routes.current?.snapshot.slices ?? []) {
        this.set({ slice: name }, breakerValues[breakerOf(name).state]);
      }
    },
  });
  new Counter({
    name: 'banyan_proxy_pin_rounds_total',
    help: 'Rounds in which the control plane was asked how far the copies are, by result.',
    labelNames: ['result'],
    registers,
    collect() {
      this.reset();
      this.inc({ result: 'caught-up' }, rounds.caughtUp);
      this.inc({ result: 'not-yet' }, rounds.notYet);
      this.inc({ result: 'failed' }, rounds.failed);
    },
  });
  counter('public_requests_total', 'Requests from clients, refused ones included.', () => traffic.requests);
  counter(
    'failed_requests_total',
    'Requests with an answer of 500 or above, or cut short, or whose client gave up waiting.',
    () => traffic.clientErrors,
  );
  counter(
    'refused_writes_total',
    'Writes refused since the readings of their paths belong to different owners.',
    () => traffic.refusedWrites,
  );
  counter(
    'shed_requests_total',
    'Requests that an upstream was spared, since it had as many as it may, or no socket was left.',
    () => traffic.shed,
  );
  counter(
    'client_limit_refusals_total',
    'Requests and connections turned away since their client address had too many.',
    () => limits.refused,
  );
  gauge('open_web_sockets', 'WebSockets that are open.', () => openWebSockets.size);
  counter('invalid_routes_total', 'Routes snapshots refused.', () => routes.invalidSnapshots);
  gauge(
    'routes_version',
    'Version of the routes in use; 0 with none.',
    () => routes.current?.snapshot.version ?? 0,
  );
  gauge('control_connected', '1 while the stream of routes snapshots is open.', () =>
    Number(link.isConnected),
  );
  return registry;
}
