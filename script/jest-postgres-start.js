import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One PostgreSQL for the whole test run; each test file makes its own database in it. */
export default async function start() {
  const { startCluster } = await import('../postgres/src/cluster.ts');
  const dir = mkdtempSync(join(tmpdir(), 'banyan-test-'));
  chmodSync(dir, 0o755); // PostgreSQL's account must reach it: else the data lie elsewhere, and stay.
  const cluster = await startCluster({
    dir,
    settings: { fsync: 'off', max_replication_slots: '40', max_wal_senders: '40', max_connections: '300' },
  });
  process.env.TEST_POSTGRES_URL = cluster.adminUrl;
  globalThis.__banyanCluster = { cluster, dir };
}
