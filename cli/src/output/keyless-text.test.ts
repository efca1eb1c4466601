import { expect, test } from '@jest/globals';
import type { ProxyReport, StatusReport } from '@banyan/contracts';
import { keylessReads, keylessText } from './keyless-text.ts';

const side = { requests: 0, errors: 0, p50Ms: null, p95Ms: null };
const proxy = (slice: string, withoutKey: number): StatusReport['proxies'][number] => {
  const report: ProxyReport = {
    proxyId: 'p',
    adminUrl: 'http://127.0.0.1:1',
    publicUrl: 'http://127.0.0.1:2',
    startedAtMs: 0,
    snapshotVersion: 1,
    requests: 0,
    clientErrors: 0,
    slices: [
      {
        slice,
        askedShare: 1,
        sinceShareChange: { eligible: 0, servedByService: 0 },
        byReason: { owner: 100, pin: 100, cohort: 50, fallback: 5, breaker: 5, 'no-key': 40 },
        withoutKey,
        monolith: side,
        service: side,
        breaker: 'closed',
      },
    ],
  };
  return { reportedAgeMs: 0, report };
};

test('counts over all proxies, and only reads that hang on who asks', () => {
  const proxies = [proxy('reviews', 20), proxy('reviews', 40), proxy('stock', 40)];
  const seen = keylessReads({ proxies }, 'reviews');
  expect(seen).toEqual({ reads: 200, withoutKey: 60 });
  expect(keylessText(seen)).toBe(
    '30 % of 200 reads came with no cookie, token or key: they stay on the monolith',
  );
  expect(keylessReads({ proxies: [] }, 'reviews')).toEqual({ reads: 0, withoutKey: 0 });
});
