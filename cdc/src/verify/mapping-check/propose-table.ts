import type { CatalogColumn, CatalogTable } from '@banyan/contracts';
import type { SourceTable } from '../../capture/feed/table-feed.ts';
import { unsortedKey } from './check-mapping.ts';
import { parseSourceType, type SourceType } from './source-type.ts';

/** A table as a service could copy it, and why it cannot; the types proposed are those that `checkMapping` takes. */
export function proposeTable(source: SourceTable): {
  readonly table: CatalogTable;
  readonly problems: readonly string[];
} {
  const { name, key, estimatedRows, notNull = [], uncarried = {} } = source;
  const columns = Object.entries(source.columns).map(([column, type]): CatalogColumn => ({
    name: column,
    type,
    kind: parseSourceType(type).kind,
    notNull: notNull.includes(column) || key.includes(column),
    stores: { sqlite: sqliteType(parseSourceType(type)), postgres: postgresType(type) },
    problem: Object.hasOwn(uncarried, column) ? (uncarried[column] ?? null) : null,
  }));
  const lost = columns.filter((column) => key.includes(column.name) && column.problem !== null);
  return {
    table: { name, key: [...key], columns, estimatedRows },
    problems: [
      ...unsortedKey(source),
      ...lost.map((column) => `${name}: its key column ${column.name} cannot be copied: ${column.problem}`),
    ],
  };
}

/** Texts, digits and forms stay as they come; numbers are numbers. Nothing of it is rounded. */
function sqliteType({ kind }: SourceType): string {
  switch (kind) {
    case 'integer':
    case 'boolean':
    case 'date':
    case 'time':
    case 'timestamp':
      return 'INTEGER';
    case 'float':
      return 'REAL';
    case 'decimal':
    case 'text':
    case 'timestamptz':
    case 'bytes':
    case 'json':
    case 'jsonb':
    case 'formed':
    case 'array':
    case 'other':
      return 'TEXT';
  }
}

/** The same type, but for texts, which may grow at the source, and types that only the source's database has. */
function postgresType(text: string): string {
  const type = parseSourceType(text);
  if (type.kind === 'array') return `${postgresType(text.slice(0, -2))}[]`;
  return type.kind === 'text' || type.kind === 'other' ? 'text' : text;
}
