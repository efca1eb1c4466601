export { watchFile, type FileWatch } from './file-watch.ts';
export { migrateSqlite, openSqliteFile } from './open-file.ts';
export { immediateTransaction, retryWhileBusy, type RunSql } from './transaction.ts';
