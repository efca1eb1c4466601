import { postgresText } from '../../apply/stores/postgres/postgres-values.ts';
import type { SourceTable } from '../../capture/feed/table-feed.ts';
import { parseSourceType, type SourceType } from './source-type.ts';

/** How PostgreSQL names types whose values an envelope tells as numbers or as base64. */
const typeNames: Partial<Record<SourceType['kind'], string>> = {
  date: 'date',
  time: 'time',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  bytes: 'bytea',
};

/** Key values as a service tells them (canonical text) as PostgreSQL's own text, in key order. */
export function keyAsSourceText(table: SourceTable, key: readonly string[]): string[] {
  return key.map((text, i) => {
    const type = parseSourceType(table.columns[table.key[i] ?? ''] ?? 'text');
    return postgresText(text, { name: typeNames[type.kind] ?? 'text', isArray: false }) ?? text;
  });
}
