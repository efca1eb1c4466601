import { afterEach, expect, test } from '@jest/globals';
import { metricFaults } from '@banyan/kit/testing';
import { slotWal } from '../../testing/fake-feed.ts';
import { proxyReport } from '../../testing/proxy-report.ts';
import { PEER_TOKEN, startTestControl, type TestControl } from '../../testing/test-control.ts';

let t: TestControl;
afterEach(() => t.close());

test('every metric is named by the rules, with one unit for one thing', async () => {
  t = await startTestControl();
  await t.toSyncedCopy();
  const slot = { retainedWalBytes: 1_000_000, inactiveSinceMs: t.clock.nowMs() - 5_000 };
  t.feed.wal = {
    walLsn: '0/101',
    maxSlotWalKeepBytes: null,
    slots: [slotWal('banyan'), slotWal('old', slot)],
  };
  await t.control.tick();
  await t.post('/v1/proxies/report', proxyReport(), PEER_TOKEN);
  const text = await (await fetch(`${t.control.url}/metrics`)).text();
  expect(metricFaults(text, ['banyan_slice_', 'banyan_feed_', 'banyan_table_', 'banyan_routes_'])).toEqual(
    [],
  );
  for (const known of ['slice_lag_seconds', 'feed_wal_position_bytes', 'routes_at_proxy_version{proxy='])
    expect(text).toContain(`\nbanyan_${known}`);
});
