export type { Bus, SourceLog } from '../bus/bus.ts';
export { openSqliteBus } from '../bus/sqlite-bus.ts';
export { migrateSqlite, openSqliteFile } from '../sqlite/open-file.ts';
export { StoreError, type ApplyStore } from './apply-store.ts';
export { startConsumer, type Consumer, type ConsumerOptions } from './consumer.ts';
export { createPostgresApplyStore } from './postgres-apply-store.ts';
export { createSqliteApplyStore } from './sqlite-apply-store.ts';
export { migrateApplyStore } from './store-schema.ts';
export { syncRoutes } from './sync-routes.ts';
