export { formatLsn, parseLsn } from '../rows/lsn.ts';
export { ConnectClient } from './debezium/connect-client.ts';
export { ConnectError } from './debezium/connect-error.ts';
export { renderConnectorConfig } from './debezium/connector-config.ts';
export { createDebeziumHistory, type DebeziumHistoryOptions } from './debezium/debezium-history.ts';
export {
  createDebeziumFeed,
  type ConnectorState,
  type DebeziumFeed,
  type DebeziumFeedOptions,
} from './debezium/debezium-feed.ts';
export { carriedTables } from './feed/carried-tables.ts';
export { catalogChanges, type CatalogMark } from './feed/catalog-mark.ts';
export { OUTBOX_COLUMNS } from './feed/outbox-fitness.ts';
export { outboxConfigTable } from './feed/outbox-setting.ts';
export * from './feed/postgres-source.ts';
export { PublicationError } from './feed/publication.ts';
export * from './feed/feed-history.ts';
export * from './feed/monolith-database.ts';
export * from './feed/table-feed.ts';
export * from './feed/source-table-error.ts';
export * from './postgres/key-sorting.ts';
export { RowsUnreadableError } from './postgres/rows-unreadable-error.ts';
export * from './table-snapshot/table-snapshot-progress.ts';
