import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileCache } from './run-command.js';

const settings = { fsync: 'off', max_replication_slots: '40', max_wal_senders: '40', max_connections: '300' };

/**
 * A PostgreSQL for each worker of the test run, in which each test file makes its own database. Files at the same time in
 * one server are not apart: a new slot waits for the open transactions of all databases, and the views of sessions, locks
 * and slots, by which tests wait and kill, show the whole server.
 */
export default async function start({ maxWorkers = 1 } = {}) {
  const { startCluster } = await import('../postgres/src/cluster.ts');
  const startOne = async () => {
    const dir = mkdtempSync(join(tmpdir(), 'banyan-test-'));
    chmodSync(dir, 0o755); // PostgreSQL's account must reach it: else the data lie elsewhere, and stay.
    return { dir, cluster: await startCluster({ dir, settings }) };
  };
  process.env.NODE_COMPILE_CACHE ??= compileCache; // workers, and what their tests start, inherit it
  globalThis.__banyanClusters = await Promise.all(Array.from({ length: maxWorkers }, startOne));
  process.env.TEST_POSTGRES_URLS = globalThis.__banyanClusters
    .map(({ cluster }) => cluster.adminUrl)
    .join(' ');
}
