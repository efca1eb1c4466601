import type { ProxyReport } from '@banyan/contracts';

/** What a proxy reports that serves the slice `reviews`. */
export function proxyReport(change: Partial<ProxyReport> = {}): ProxyReport {
  const side = { requests: 0, errors: 0, p50Ms: null, p95Ms: null };
  return {
    proxyId: 'proxy-1',
    adminUrl: 'http://127.0.0.1:9',
    publicUrl: 'http://127.0.0.1:8080',
    startedAtMs: 1,
    snapshotVersion: 1,
    requests: 9,
    clientErrors: 0,
    slices: [
      {
        slice: 'reviews',
        askedShare: 0,
        byReason: {},
        withoutKey: 0,
        monolith: side,
        service: side,
        sinceShareChange: { eligible: 200, servedByService: 99 },
        breaker: 'closed',
      },
    ],
    ...change,
  };
}
