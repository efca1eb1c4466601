import { setTimeout as sleep } from 'node:timers/promises';
import { fromTable } from '../postgres/catalog.ts';
import { readConsistently } from '../postgres/consistent-read.ts';
import type { AskDatabase, SourceDatabase, TextRow } from '../postgres/source-database.ts';
import { hasSqlState } from '../postgres/sql-state.ts';
import { quoteName, quoteParts } from '../../rows/table-name.ts';
import { isVisible } from '../postgres/transaction-visibility.ts';
import type { StreamedTable } from './feed-table.ts';
import type { RowChange, StreamedTransaction } from './row-change.ts';

/** Keys in one question. */
const MAX_KEYS = 200;
/** How long a streamed commit may take to become visible before its values stay unavailable. */
const VISIBLE_TIMEOUT_MS = 2_000;

interface Gap {
  readonly transaction: StreamedTransaction;
  readonly index: number;
  readonly change: RowChange;
  readonly missing: readonly string[];
  /** Key values as text. */
  readonly key: readonly string[];
}

/**
 * Fills in TOAST values that updates did not carry: from the old row where the WAL has all of it, else from the source
 * by primary key. What cannot be had stays undefined, and where that is because the row is gone, the change says so.
 *
 * A value read at the source may be of a later change; then that change follows in the stream and says the same.
 */
export async function fillUnchangedToast(
  transactions: readonly StreamedTransaction[],
  database: SourceDatabase,
  signal: AbortSignal,
): Promise<void> {
  const gaps = transactions.flatMap((transaction) =>
    transaction.changes.flatMap((change, index) => findGap(transaction, change, index) ?? []),
  );
  const deadline = Date.now() + VISIBLE_TIMEOUT_MS;
  for (const ofTable of Map.groupBy(gaps, (gap) => gap.change.table).values()) {
    for (let start = 0; start < ofTable.length; start += MAX_KEYS) {
      let open: readonly Gap[] = ofTable.slice(start, start + MAX_KEYS);
      for (;;) {
        open = await fill(open, database, signal);
        if (open.length === 0 || Date.now() > deadline) break;
        await sleep(10, undefined, { signal });
      }
    }
  }
}

function findGap(transaction: StreamedTransaction, change: RowChange, index: number): Gap | null {
  const { after, before, table } = change;
  if (!after?.includes(undefined)) return null;
  // An old row has a long key column also when it did not change. A null there is a field that the WAL left out: a
  // partitioned table of replica identity "full" calls the old rows of its partitions full, whatever they hold.
  const known = before
    ? after.map((field, i) => (field === undefined ? (before.tuple[i] ?? undefined) : field))
    : after;
  transaction.changes[index] = { ...change, after: known };
  const missing = table.columns
    .filter(({ isCarried }, i) => isCarried && known[i] === undefined)
    .map(({ name }) => name);
  const key = table.key.map((name) => known[table.columns.findIndex((column) => column.name === name)]);
  if (missing.length === 0 || key.length === 0 || !key.every((value) => typeof value === 'string'))
    return null;
  return { transaction, index, change: { ...change, after: known }, missing, key };
}

/** @returns the gaps to ask for again, since their transaction is not visible yet. */
async function fill(gaps: readonly Gap[], database: SourceDatabase, signal: AbortSignal): Promise<Gap[]> {
  const table = gaps[0]?.change.table;
  if (!table) return [];
  const read = await readConsistently(database, signal, (ask) => readRows(table, gaps, ask)).catch(
    (error: unknown) => {
      // Table, column, type of the key or our right to read have changed since (classes 22 and 42 of SQLSTATE): the
      // values stay unavailable, which is safe, since a copy then keeps its own. Asking again would end the same way.
      if (hasSqlState(error, '22', '42')) return null;
      throw error;
    },
  );
  if (!read?.result) return [];
  const again: Gap[] = [];
  for (const gap of gaps) {
    const row = read.result.get(JSON.stringify(gap.key));
    // An older snapshot than the change could give the value that the change's predecessor replaced.
    if (!isVisible(gap.transaction.xid, read.snapshot)) again.push(gap);
    else if (row) gap.transaction.changes[gap.index] = { ...gap.change, after: merge(gap, row) };
    else gap.transaction.changes[gap.index] = { ...gap.change, isGone: true };
  }
  return again;
}

function merge(gap: Gap, row: TextRow): RowChange['after'] {
  return (gap.change.after ?? []).map((field, i) => {
    const name = gap.change.table.columns[i]?.name ?? '';
    return field === undefined ? row[name] : field;
  });
}

/** Rows by key; null when the name belongs to another table by now, so that nothing of ours can be had. */
async function readRows(
  table: StreamedTable,
  gaps: readonly Gap[],
  ask: AskDatabase,
): Promise<ReadonlyMap<string, TextRow> | null> {
  const columns = [...new Set([...table.key, ...gaps.flatMap((gap) => gap.missing)])];
  const values: string[] = [];
  const keys = gaps.map((gap) => `(${gap.key.map((value) => `$${values.push(value)}`).join(', ')})`);
  const rows = await ask(
    `SELECT named.same AS "banyan:same", t.tableoid AS "banyan:found", ${columns.map((name) => `t.${quoteName(name)}`).join(', ')}
     FROM (SELECT to_regclass($${values.push(quoteParts(table))})::oid = $${values.push(String(table.oid))} AS same) named
     LEFT JOIN ${fromTable(table)} t
       ON named.same AND (${table.key.map((name) => `t.${quoteName(name)}`).join(', ')}) IN (${keys.join(', ')})`,
    values,
  );
  if (rows[0]?.['banyan:same'] !== 't') return null;
  const found = rows.filter((row) => row['banyan:found'] != null);
  return new Map(found.map((row) => [JSON.stringify(table.key.map((name) => row[name])), row]));
}
