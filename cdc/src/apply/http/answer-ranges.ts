import type { PiecesReport, PiecesRequest, RowsReport, RowsRequest } from '@banyan/contracts';
import { hashOf, shownField, textOfRows, valuesOf } from '../../rows/canonical.ts';
import type { CompiledTable } from '../../rows/mapping.ts';
import type { KeyRange, RangeReader } from './range-reader.ts';

/** Counts and hashes the pieces asked for, one after another. */
export async function hashPieces(
  reader: RangeReader,
  table: CompiledTable,
  request: PiecesRequest,
): Promise<PiecesReport> {
  const pieces: PiecesReport['pieces'] = [];
  let { afterKey } = request;
  for (const { toKey, maxRows } of request.pieces) {
    const { rows, text } = await readText(reader, table, { afterKey, toKey }, maxRows + 1);
    pieces.push({ rows, hash: hashOf(text) });
    afterKey = toKey;
  }
  return { pieces };
}

async function readText(
  reader: RangeReader,
  table: CompiledTable,
  range: KeyRange,
  limit: number,
): Promise<{ rows: number; text: string }> {
  const whole = await reader.text?.(table, range, limit);
  if (whole) return whole;
  const rows = await reader.page(table, range, limit);
  return { rows: rows.length, text: textOfRows(rows) };
}

/** Key and hash of each row of a range, and the fields of those rows that are looked at closely. */
export async function listRows(
  reader: RangeReader,
  table: CompiledTable,
  { afterKey, toKey, limit, fieldsOf }: RowsRequest,
): Promise<RowsReport> {
  const rows = await reader.page(table, { afterKey, toKey }, limit + 1);
  const wanted = new Set(fieldsOf.map((key) => JSON.stringify(key)));
  return {
    rows: rows.slice(0, limit).map(({ key, row }) => ({
      key: [...key],
      hash: hashOf(row),
      ...(wanted.has(JSON.stringify(key)) && { fields: shownFields(table, row) }),
    })),
    isWhole: rows.length <= limit,
  };
}

/** A canonical row's fields by target column, as they may be shown. */
export function shownFields(
  { columns, personal }: CompiledTable,
  row: string,
): NonNullable<RowsReport['rows'][number]['fields']> {
  const values = valuesOf(row);
  return Object.fromEntries(
    columns.map((column, i) => [column, shownField(values[i] ?? null, personal.has(column))]),
  );
}
