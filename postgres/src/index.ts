export { findFreePort } from './free-port.ts';
export { prepareCluster, startCluster, waitForPostgres } from './cluster.ts';
export type { ClusterOptions, PreparedCluster, RunningCluster } from './cluster.ts';
export { createTestDatabase } from './test-database.ts';
export type { TestDatabase } from './test-database.ts';
