import type { ProxyReport } from '@banyan/contracts';
import type { BreakerOf } from '../forward/domain/slice-breaker.ts';
import type { ActiveRoutes } from '../routes/active-routes.ts';
import type { Traffic } from './traffic.ts';

export interface ProxyReportOptions {
  readonly proxyId: string;
  readonly traffic: Traffic;
  readonly routes: Pick<ActiveRoutes, 'current'>;
  readonly breakerOf: BreakerOf;
  /** Where control reaches the proxy, known once it listens. */
  readonly urls: () => Pick<ProxyReport, 'adminUrl' | 'publicUrl'>;
}

/** @returns what says how traffic goes, whenever it is called. */
export function createProxyReport(options: ProxyReportOptions): () => ProxyReport {
  const { proxyId, traffic, routes, breakerOf, urls } = options;
  const startedAtMs = Date.now();
  return () => {
    const snapshot = routes.current?.snapshot;
    const { adminUrl, publicUrl } = urls();
    return {
      proxyId,
      adminUrl,
      publicUrl,
      startedAtMs,
      snapshotVersion: snapshot?.version ?? 0,
      requests: traffic.requests,
      clientErrors: traffic.clientErrors,
      slices: snapshot ? traffic.report(snapshot, breakerOf) : [],
    };
  };
}
