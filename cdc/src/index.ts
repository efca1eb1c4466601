export * from './bus/bus.ts';
export * from './bus/bus-errors.ts';
export { roomWarning } from './bus/bus-room.ts';
export type { EmbeddedBus, KeptBus } from './bus/kept-bus.ts';
export { openKafkaBus, type KafkaBus, type KafkaBusOptions } from './bus/kafka-bus.ts';
export {
  busConfigTable,
  openBus,
  stacks,
  wanted,
  type BusSettings,
  type OpenedBus,
  type Stack,
} from './bus/open-bus.ts';
export { openSqliteBus } from './bus/sqlite-bus.ts';
export * from './caught-up/caught-up.ts';
export * from './caught-up/not-caught-up-error.ts';
export { checkMapping } from './mapping-check/check-mapping.ts';
export { keyAsSourceText } from './mapping-check/key-text.ts';
export { checkTransforms } from './mapping-check/check-transforms.ts';
export { MissingValues } from './row-reread/missing-values.ts';
export { createRowReread, type RowReread } from './row-reread/row-reread.ts';
export { RowsUnreadableError } from './source/rows-unreadable-error.ts';
export { formatLsn, parseLsn } from './source/lsn.ts';
export { carriedTables } from './source/carried-tables.ts';
export * from './source/source.ts';
export { OUTBOX_COLUMNS } from './source/outbox-fitness.ts';
export { catalogChanges, type CatalogMark } from './source/catalog-mark.ts';
export { outboxConfigTable } from './source/outbox-setting.ts';
export * from './source/postgres-source.ts';
export * from './source/source-table-error.ts';
export { PublicationError } from './source/publication.ts';
export * from './source/table-snapshot-progress.ts';
export type { ServiceCopy, ServiceStore } from './verify/copy.ts';
export * from './verify/http-service-copy.ts';
export * from './source/key-sorting.ts';
export * from './verify/finding.ts';
export { defaultPaceLimits, type PaceLimits } from './verify/pace.ts';
export { VerifyUnsupportedError, type Bound } from './verify/source-rows.ts';
export { differencesOf, type TableVerifyState, type VerifyState } from './verify/verify-state.ts';
export * from './verify/verify-slice.ts';
export { watchFile, type FileWatch } from './sqlite/file-watch.ts';
export { migrateSqlite, openSqliteFile } from './sqlite/open-file.ts';
export { immediateTransaction, type RunSql } from './sqlite/transaction.ts';
export { ConnectError } from './source/debezium/connect-error.ts';
export {
  createDebeziumSource,
  type ConnectorState,
  type DebeziumSource,
  type DebeziumSourceOptions,
} from './source/debezium/debezium-source.ts';
export { createDebeziumHistory, type DebeziumHistoryOptions } from './source/debezium/debezium-history.ts';
