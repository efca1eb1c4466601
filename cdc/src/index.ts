export * from './bus/bus.ts';
export * from './bus/bus-errors.ts';
export type { EmbeddedBus, KeptBus } from './bus/kept-bus.ts';
export { openKafkaBus, type KafkaBus, type KafkaBusOptions } from './bus/kafka-bus.ts';
export { openSqliteBus } from './bus/sqlite-bus.ts';
export * from './caught-up/caught-up.ts';
export * from './source/source.ts';
export * from './source/postgres-source.ts';
export * from './source/source-table-error.ts';
export * from './source/table-snapshot-progress.ts';
export type { ServiceCopy } from './verify/copy.ts';
export * from './verify/http-service-copy.ts';
export * from './verify/verify-slice.ts';
export { migrateSqlite, openSqliteFile } from './sqlite/open-file.ts';
export { immediateTransaction, type RunSql } from './sqlite/transaction.ts';
export { ConnectError } from './source/debezium/connect-error.ts';
export {
  createDebeziumSource,
  type ConnectorState,
  type DebeziumSource,
  type DebeziumSourceOptions,
} from './source/debezium/debezium-source.ts';
