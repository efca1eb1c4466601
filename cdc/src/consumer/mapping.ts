import { UNAVAILABLE_VALUE, type FieldValue, type Row, type TableMapping } from '@banyan/contracts';

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
  /** Target columns, in the mapping's order. */
  readonly columns: readonly string[];
  /** Target columns of the key, in key order. */
  readonly key: readonly string[];
  /** Target columns whose values are about a person. */
  readonly personal: ReadonlySet<string>;
  /**
   * A source row as a target row; columns whose value the WAL did not carry are left out.
   * @throws MappingError when a column is missing, is no field value, or its transform throws.
   */
  forward(row: Row): Row;
  /** The target key of a source row, which may hold its key columns alone. @throws MappingError as `forward`. */
  forwardKey(row: Row): Key;
}

/** A row that the mapping cannot carry over. The message holds names, no values. */
export class MappingError extends Error {
  readonly code = 'mapping-failed';
  override readonly name = 'MappingError';
}

interface CompiledColumn {
  readonly from: string;
  readonly to: string;
  forward(value: FieldValue): FieldValue;
}

/** Compiles a table mapping that `defineSlice` has checked. Pure. */
export function compileMapping(table: TableMapping): CompiledTable {
  const columns = Object.entries(table.columns).map(([from, target]): CompiledColumn => {
    if (typeof target === 'string') return { from, to: target, forward: (value) => value };
    const { transform, to } = target;
    return {
      from,
      to,
      forward: (value) => transformValue(table.source, from, () => transform.forward(value)),
    };
  });
  const keyColumns = table.key.map((name) => {
    const column = columns.find(({ from }) => from === name);
    if (!column) throw new MappingError(`${table.source}: key column "${name}" is not mapped`);
    return column;
  });
  const read = (row: Row, { from }: CompiledColumn): FieldValue => {
    const value: unknown = row[from];
    if (value === undefined) throw new MappingError(`${table.source}: the event has no column "${from}"`);
    if (!isFieldValue(value))
      throw new MappingError(`${table.source}: column "${from}" is not a plain value`);
    return value;
  };
  return {
    source: table.source,
    target: table.target,
    sourceColumns: columns.map(({ from }) => from),
    sourceKey: table.key,
    columns: columns.map(({ to }) => to),
    key: keyColumns.map(({ to }) => to),
    personal: new Set(columns.flatMap(({ from, to }) => (table.personal?.includes(from) ? [to] : []))),
    forward(row) {
      const mapped: Record<string, FieldValue> = {};
      for (const column of columns) {
        const value = read(row, column);
        if (value !== UNAVAILABLE_VALUE) mapped[column.to] = column.forward(value);
      }
      return mapped;
    },
    forwardKey(row) {
      return keyColumns.map((column) => {
        const value = read(row, column);
        if (value === null || value === UNAVAILABLE_VALUE) {
          throw new MappingError(`${table.source}: key column "${column.from}" has no value`);
        }
        return column.forward(value);
      });
    },
  };
}

function transformValue(table: string, column: string, transform: () => FieldValue): FieldValue {
  let value: unknown;
  try {
    value = transform();
  } catch (cause) {
    throw new MappingError(`${table}: the transform of column "${column}" failed`, { cause });
  }
  if (!isFieldValue(value)) {
    throw new MappingError(`${table}: the transform of column "${column}" did not return a plain value`);
  }
  return value;
}

const plainTypes: ReadonlySet<string> = new Set(['boolean', 'number', 'bigint', 'string']);

function isFieldValue(value: unknown): value is FieldValue {
  return (
    value === null || plainTypes.has(typeof value) || (Array.isArray(value) && value.every(isFieldValue))
  );
}
