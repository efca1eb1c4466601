export type { Bus, SourceLog } from '../bus/bus.ts';
export { busConfigTable, openBus, type BusSettings } from '../bus/open-bus.ts';
export { openSqliteBus } from '../bus/sqlite/sqlite-bus.ts';
export { StoreError, type ApplyStore } from './apply-store.ts';
export { startConsumer, type Consumer, type ConsumerOptions } from './consumer.ts';
export { syncRoutes } from './http/sync-routes.ts';
export { createPostgresApplyStore } from './stores/postgres/postgres-apply-store.ts';
export { createSqliteApplyStore } from './stores/sqlite/sqlite-apply-store.ts';
export { migrateApplyStore } from './store-schema.ts';
