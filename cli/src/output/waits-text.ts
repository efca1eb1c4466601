import type { OpenTransactionStatus } from '@banyan/contracts';
import { duration } from './terminal.ts';

/** One transaction in words, e.g. `process 4711 (database crm, psql, idle in transaction), open for 12 min, last query began 11 min ago`. */
export function transactionText(transaction: OpenTransactionStatus): string {
  const { pid, prepared, database, application, state, ageMs, queryAgeMs } = transaction;
  const who = prepared === null ? `process ${pid ?? 'unknown'}` : `prepared transaction '${prepared}'`;
  const about = [database && `database ${database}`, application, state].filter(Boolean).join(', ');
  const query = prepared === null ? `, last query began ${duration(queryAgeMs)} ago` : '';
  return `${who}${about ? ` (${about})` : ''}, open for ${duration(ageMs)}${query}`;
}

/** What ends it, as SQL. */
export function endTransaction({ pid, prepared, database }: OpenTransactionStatus): string {
  return prepared === null
    ? `let it end, or: SELECT pg_terminate_backend(${pid ?? '...'});`
    : `in the database ${database ?? 'that it is of'}: COMMIT PREPARED '${prepared.replaceAll("'", "''")}'; or ROLLBACK PREPARED`;
}
