import { stringifyExactJson, type FieldValue, type Row } from '@banyan/contracts';
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

interface KeyState {
  readonly key: Key;
  /** The row was deleted within the batch, whatever came later. */
  deleted: boolean;
  /** What the key's row holds after the batch, null when it is gone. */
  row: Record<string, FieldValue> | null;
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
    const id = stringifyExactJson(change.key);
    const state = states.get(id) ?? { key: change.key, deleted: false, row: null };
    // Set anew: the last event of a key decides its place, as a unique value may pass from one row to another.
    states.delete(id);
    states.set(id, state);
    if (change.kind === 'delete') {
      state.deleted = true;
      state.row = null;
      continue;
    }
    state.row = { ...state.row, ...change.row };
    if ((clear || state.deleted) && !isComplete(state.row, table)) {
      throw new RowRejectedError(
        `${table.target}: a value was left out, and there is no earlier row to keep it`,
      );
    }
  }
  const all = [...states.values()];
  const rows = all.flatMap(({ row }) => (row ? [row] : []));
  return {
    clear,
    deletes: all.filter(({ deleted }) => deleted).map(({ key }) => key),
    upserts: rows.filter((row) => isComplete(row, table)),
    updates: rows.filter((row) => !isComplete(row, table)),
  };
}

function isComplete(row: Row, table: CompiledTable): boolean {
  return table.columns.every((column) => column in row);
}
