import type { FieldTransform, FieldValue, IsLeftOut, Row, TableMapping } from '@banyan/contracts';

/** Values of a key, in key order. */
export type Key = readonly FieldValue[];

/** A table mapping made ready for use. Column lists are in a fixed order that both sides of a verification share. */
export interface CompiledTable {
  readonly source: string;
  readonly target: string;
  /** Source columns that are read, in the mapping's order. */
  readonly sourceColumns: readonly string[];
  /** Source's key columns, in key order. */
  readonly sourceKey: readonly string[];
  /** Target columns: the mapped ones in the mapping's order, then constants. */
  readonly columns: readonly string[];
  /** Target columns of the key, in key order. */
  readonly key: readonly string[];
  /** Target columns whose values are about a person. */
  readonly personal: ReadonlySet<string>;
  /**
   * A source row as a target row; columns whose value the WAL did not carry are left out.
   * @param isLeftOut Default: every value is there.
   * @throws MappingError when a column is missing, is no field value, or its transform throws.
   */
  forward(row: Row, isLeftOut?: IsLeftOut): Row;
  /** The target key of a source row, which may hold its key columns alone. @throws MappingError as `forward`. */
  forwardKey(row: Row, isLeftOut?: IsLeftOut): Key;
  /**
   * The way back: a target row as the mapped columns of its source row.
   * @throws MappingError when a column is missing, its inverse throws, or a constant has another value.
   */
  backward(row: Row): Row;
}

/** A row that the mapping cannot carry over. The message holds names, no values. */
export class MappingError extends Error {
  readonly code = 'mapping-failed';
  override readonly name = 'MappingError';
}

interface CompiledColumn {
  readonly from: string;
  readonly to: string;
  /** Null when the value stays as it is. */
  readonly transform: FieldTransform | null;
}

const everyValueIsThere: IsLeftOut = () => false;

/** Compiles a table mapping that `defineSlice` has checked. Pure. */
export function compileMapping(table: TableMapping): CompiledTable {
  const { source, target } = table;
  const columns = Object.entries(table.columns).map(([from, to]): CompiledColumn =>
    typeof to === 'string' ? { from, to, transform: null } : { from, to: to.to, transform: to.transform },
  );
  const keyColumns = table.key.map((name) => {
    const column = columns.find(({ from }) => from === name);
    if (!column) throw new MappingError(`${source}: key column "${name}" is not mapped`);
    return column;
  });
  const constants = Object.entries(table.constants ?? {});
  return {
    source,
    target,
    sourceColumns: columns.map(({ from }) => from),
    sourceKey: table.key,
    columns: [...columns.map(({ to }) => to), ...constants.map(([to]) => to)],
    key: keyColumns.map(({ to }) => to),
    personal: new Set(columns.flatMap(({ from, to }) => (table.personal?.includes(from) ? [to] : []))),
    forward(row, isLeftOut = everyValueIsThere) {
      const mapped: Record<string, FieldValue> = {};
      for (const column of columns) {
        const value = read(source, row, column.from);
        if (!isLeftOut(column.from, value)) mapped[column.to] = transformed(source, column, 'forward', value);
      }
      for (const [to, value] of constants) mapped[to] = value;
      return mapped;
    },
    forwardKey(row, isLeftOut = everyValueIsThere) {
      return keyColumns.map((column) => {
        const value = read(source, row, column.from);
        if (value === null || isLeftOut(column.from, value)) {
          throw new MappingError(`${source}: key column "${column.from}" has no value`);
        }
        return transformed(source, column, 'forward', value);
      });
    },
    backward(row) {
      for (const [to, value] of constants) {
        if (read(target, row, to) !== value) {
          throw new MappingError(`${target}: column "${to}" does not hold the constant of this mapping`);
        }
      }
      return Object.fromEntries(
        columns.map((column) => {
          return [column.from, transformed(source, column, 'inverse', read(target, row, column.to))];
        }),
      );
    },
  };
}

function read(table: string, row: Row, column: string): FieldValue {
  const value: unknown = row[column];
  if (value === undefined) throw new MappingError(`${table}: the event has no column "${column}"`);
  if (!isFieldValue(value)) throw new MappingError(`${table}: column "${column}" is not a plain value`);
  return value;
}

function transformed(
  table: string,
  { from, transform }: CompiledColumn,
  way: 'forward' | 'inverse',
  value: FieldValue,
): FieldValue {
  if (transform === null) return value;
  let result: unknown;
  try {
    result = way === 'forward' ? transform.forward(value) : transform.inverse(value);
  } catch (cause) {
    throw new MappingError(`${table}: the transform of column "${from}" failed`, { cause });
  }
  if (isFieldValue(result)) return result;
  throw new MappingError(`${table}: the transform of column "${from}" did not return a plain value`);
}

function isFieldValue(value: unknown): value is FieldValue {
  const type = typeof value;
  if (type === 'string' || type === 'number' || type === 'boolean' || type === 'bigint') return true;
  return value === null || (Array.isArray(value) && value.every(isFieldValue));
}
