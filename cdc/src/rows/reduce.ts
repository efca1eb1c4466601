import type { Row } from '@banyan/contracts';
import type { CompiledTable, Key } from './mapping.ts';

/** One event of one table, mapped to the target. */
export type RowChange =
  | { readonly kind: 'upsert'; readonly key: Key; readonly row: Row }
  | { readonly kind: 'delete'; readonly key: Key }
  /** Empties the table. */
  | { readonly kind: 'clear' };

/** What a batch comes to in one table. Applied in this order: clear, deletes, upserts, updates. */
export interface TableChange {
  readonly clear: boolean;
  readonly deletes: readonly Key[];
  /** Rows with every mapped column, in the order of each key's last event. */
  readonly upserts: readonly Row[];
  /** Rows without the columns that the WAL did not carry: the table's own values stay. */
  readonly updates: readonly Row[];
}

/** A row that cannot be stored: it breaks a constraint, or lacks a value that no earlier row has. */
export class RowRejectedError extends Error {
  readonly code = 'row-rejected';
  override readonly name = 'RowRejectedError';
}

/** A value was left out by the WAL, and no row of the store holds it. */
export function missingRow(table: Pick<CompiledTable, 'target'>): RowRejectedError {
  return new RowRejectedError(
    `${table.target}: the log left a value out, and there is no earlier row to take it from; the row is read again at the source`,
  );
}

interface KeyState {
  readonly key: Key;
  /** The row was deleted within the batch, whatever came later. */
  deleted: boolean;
  /** What the key's row holds after the batch, null when it is gone. */
  row: Row | null;
}

/**
 * Reduces a table's events, in order, to what they come to. Events of one key merge by column, so that a value that
 * the WAL left out keeps what an earlier event of the batch, or the table, holds.
 *
 * @throws RowRejectedError when a column was left out and the batch itself removed the row that held it.
 */
export function reduceChanges(changes: readonly RowChange[], table: CompiledTable): TableChange {
  let clear = false;
  const states = new Map<string, KeyState>();
  for (const change of changes) {
    if (change.kind === 'clear') {
      clear = true;
      states.clear();
      continue;
    }
    const id = keyId(change.key);
    const state = states.get(id) ?? { key: change.key, deleted: false, row: null };
    // Set anew: the last event of a key decides its place, as a unique value may pass from one row to another.
    states.delete(id);
    states.set(id, state);
    if (change.kind === 'delete') {
      state.deleted = true;
      state.row = null;
      continue;
    }
    state.row = state.row ? { ...state.row, ...change.row } : change.row;
    if ((clear || state.deleted) && !isComplete(state.row, table)) {
      throw missingRow(table);
    }
  }
  const deletes: Key[] = [];
  const upserts: Row[] = [];
  const updates: Row[] = [];
  for (const { key, deleted, row } of states.values()) {
    if (deleted) deletes.push(key);
    if (row) (isComplete(row, table) ? upserts : updates).push(row);
  }
  return { clear, deletes, upserts, updates };
}

/** The same text for the same key, and another one for each other key. */
function keyId(key: Key): string {
  return key.map((value) => (typeof value === 'string' ? JSON.stringify(value) : String(value))).join();
}

/** A mapped row holds nothing but columns of the table. */
function isComplete(row: Row, table: CompiledTable): boolean {
  return Object.keys(row).length === table.columns.length;
}
