import { z } from 'zod';
import { decodeRow } from '../postgres/catalog.ts';
import type { RowChange } from '../wal/row-change.ts';

/** Something that was asked for through the signal table. */
export type Signal =
  | { readonly kind: 'table-snapshot'; readonly id: string; readonly tables: readonly string[] }
  /** Null: every table. */
  | { readonly kind: 'stop'; readonly id: string; readonly tables: readonly string[] | null }
  | { readonly kind: 'unknown'; readonly id: string; readonly reason: string };

const rowSchema = z.object({ id: z.string(), type: z.string(), data: z.string().nullable() });

const incremental = z
  .string()
  .regex(/^incremental$/i)
  .default('INCREMENTAL');
const tableNames = z.array(z.string().min(1)).min(1);

/** Debezium's `execute-snapshot`. Its table names are regular expressions there; here they are plain names. */
const executeSnapshot = z.object({ 'data-collections': tableNames, type: incremental });

/** Debezium's `stop-snapshot`: without names it stops everything. */
const stopSnapshot = z.object({ 'data-collections': tableNames.optional(), type: incremental });

/** Null for a change of the signal table that asks nothing (only new rows do). */
export function readSignal(change: RowChange): Signal | null {
  if (change.kind !== 'insert' || !change.after) return null;
  const texts = Object.fromEntries(
    change.table.columns.map(({ name }, index) => [name, change.after?.[index] ?? null]),
  );
  const row = rowSchema.safeParse(decodeRow(change.table.columns, texts));
  if (!row.success) return { kind: 'unknown', id: '?', reason: 'the row has other columns' };
  const { id, type } = row.data;
  const data = parseJson(row.data.data);
  switch (type) {
    case 'execute-snapshot': {
      const parsed = executeSnapshot.safeParse(data);
      if (!parsed.success) return { kind: 'unknown', id, reason: z.prettifyError(parsed.error) };
      return { kind: 'table-snapshot', id, tables: [...new Set(parsed.data['data-collections'])] };
    }
    case 'stop-snapshot': {
      const parsed = stopSnapshot.safeParse(data ?? {});
      if (!parsed.success) return { kind: 'unknown', id, reason: z.prettifyError(parsed.error) };
      return { kind: 'stop', id, tables: parsed.data['data-collections'] ?? null };
    }
    default:
      return { kind: 'unknown', id, reason: `type "${type}" is not known` };
  }
}

function parseJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return null; // the schema says what is wrong with it
  }
}
