import type { StoreColumn, StoreReport, StoreTable, TableMapping } from '@banyan/contracts';
import type { SourceTable } from '../../capture/feed/table-feed.ts';
import { postgresMisfit } from './fit-postgres.ts';
import { sqliteMisfit } from './fit-sqlite.ts';
import { parseSourceType, type SourceType } from './source-type.ts';

/** What a mapping is checked against; null where that side could not be asked, or has no such table. */
export interface MappingSides {
  readonly mapping: TableMapping;
  readonly source: SourceTable | null;
  readonly store: StoreReport | null;
}

interface Pair {
  readonly from: string;
  readonly to: string;
  readonly isTransformed: boolean;
  /** What the transform makes of null; true when there is none. */
  readonly keepsNull: boolean;
}

/**
 * Everything that would make rows of this table fail, lose something or never come to rest, found before the first of
 * them is copied: each finding with what to do.
 */
export function checkMapping(sides: MappingSides): string[] {
  const { mapping, source, store } = sides;
  const pairs = pairsOf(mapping);
  const findings = source ? sourceFindings(mapping, source) : [];
  if (!store) return findings;
  const table = store.tables.find(({ name }) => name === mapping.target);
  if (!table) {
    return [
      ...findings,
      `the service has no table "${mapping.target}" for ${mapping.source}: add it by a migration, or correct "target"`,
    ];
  }
  return [
    ...findings,
    ...columnFindings(mapping, pairs, table),
    ...(source ? valueFindings({ mapping, pairs, source, table, kind: store.kind }) : []),
    ...tableFindings(mapping, pairs, table),
    ...(source?.uniqueKeys ? uniqueFindings({ mapping, pairs, table, uniqueKeys: source.uniqueKeys }) : []),
    ...(store.kind === 'sqlite' ? widthFindings(pairs, table) : []),
  ];
}

function pairsOf({ columns }: TableMapping): Pair[] {
  return Object.entries(columns).map(([from, target]) => {
    if (typeof target === 'string') return { from, to: target, isTransformed: false, keepsNull: true };
    let ofNull: unknown = null;
    try {
      ofNull = target.transform.forward(null);
    } catch {
      // it does not take null: rows that hold one are held back and named, which no check foresees
    }
    return { from, to: target.to, isTransformed: true, keepsNull: ofNull === null };
  });
}

function sourceFindings(mapping: TableMapping, source: SourceTable): string[] {
  const name = mapping.source;
  const findings: string[] = [];
  if (source.key.join() !== mapping.key.join()) {
    findings.push(
      `${name}: the mapping's key is (${mapping.key.join(', ')}), the primary key is (${source.key.join(', ')}): correct "key"`,
    );
  }
  findings.push(...unsortedKey(source));
  const missing = Object.keys(mapping.columns).filter((column) => !(column in source.columns));
  if (missing.length > 0) findings.push(`${name} has no column ${missing.join(', ')}: correct "columns"`);
  for (const [column, why] of Object.entries(source.uncarried ?? {})) {
    if (!(column in mapping.columns)) continue;
    findings.push(
      `${name}.${column} (${source.columns[column] ?? '?'}) cannot be copied through Debezium: ${why}; take it out of the mapping, or use the embedded stack`,
    );
  }
  const unknown = (mapping.personal ?? []).filter((column) => !(column in source.columns));
  if (unknown.length > 0) {
    findings.push(
      `${name} has no column ${unknown.join(', ')}, which "personal" masks: a value may be shown under its right name; correct "personal"`,
    );
  }
  return findings;
}

/** A key by which the two sides cannot be compared; empty when they can. */
export function unsortedKey({ name, key, columns }: SourceTable): readonly string[] {
  const unsorted = key.filter((column) => !isSortable(parseSourceType(columns[column] ?? '')));
  if (unsorted.length === 0) return [];
  const types = unsorted.map((column) => `${column} (${columns[column] ?? ''})`).join(', ');
  return [
    `${name}: no verification could compare rows by the key column ${types}, whose text sorts otherwise than its values: give the table a key of whole numbers, text or uuid`,
  ];
}

/** Whether both sides sort keys of the type alike; of a type that is not known here the verification itself tells. */
function isSortable(type: SourceType): boolean {
  if (type.kind === 'formed') return !['interval', 'time with time zone'].includes(type.name);
  return !['array', 'bytes', 'json'].includes(type.kind);
}

function columnFindings(mapping: TableMapping, pairs: readonly Pair[], table: StoreTable): string[] {
  const given = [
    ...pairs.map(({ from, to }) => ({ to, what: `${mapping.source}.${from}` })),
    ...Object.keys(mapping.constants ?? {}).map((to) => ({ to, what: 'a constant' })),
  ];
  const findings = given.flatMap(({ to, what }) => {
    const column = columnOf(table, to);
    if (!column) {
      return `${table.name} has no column "${to}", where ${what} goes: add it by a migration, or correct the mapping`;
    }
    return column.generated
      ? `${table.name}.${to} is made by the store itself, and nothing can be written to it: take ${what} out of the mapping`
      : [];
  });
  const targets = new Set(given.map(({ to }) => to));
  for (const { name, nullable, hasDefault, generated } of table.columns) {
    if (!nullable && !hasDefault && !generated && !targets.has(name)) {
      findings.push(
        `${table.name}.${name} is NOT NULL without a default, and nothing goes there: map a column, add it to "constants", or give it a default`,
      );
    }
  }
  return findings;
}

function valueFindings(options: {
  readonly mapping: TableMapping;
  readonly pairs: readonly Pair[];
  readonly source: SourceTable;
  readonly table: StoreTable;
  readonly kind: StoreReport['kind'];
}): string[] {
  const { mapping, pairs, source, table, kind } = options;
  const misfitOf = kind === 'sqlite' ? sqliteMisfit : postgresMisfit;
  return pairs.flatMap(({ from, to, isTransformed, keepsNull }) => {
    const type = source.columns[from];
    const column = columnOf(table, to);
    if (type === undefined || !column) return [];
    const way = `${mapping.source}.${from} (${type}) -> ${table.name}.${to} (${column.type || 'no type'})`;
    const misfit = isTransformed
      ? null // only its values tell
      : misfitOf(parseSourceType(type), column.type, mapping.key.includes(from));
    const mayBeNull =
      source.notNull !== undefined && !source.notNull.includes(from) && !mapping.key.includes(from);
    const findings = misfit === null ? [] : [`${way}: ${misfit}`];
    if (mayBeNull && keepsNull && !column.nullable) {
      findings.push(
        `${way}: it may be null there and not here; drop NOT NULL, or give null a value by a transform`,
      );
    }
    return findings;
  });
}

function tableFindings(mapping: TableMapping, pairs: readonly Pair[], table: StoreTable): string[] {
  const key = mapping.key.map((column) => pairs.find(({ from }) => from === column)?.to ?? column);
  const wanted = key.toSorted().join();
  const findings: string[] = [];
  if (!table.uniqueKeys.some((columns) => columns.toSorted().join() === wanted)) {
    findings.push(
      `${table.name} has no primary key or unique index on (${key.join(', ')}), by which rows are found: add one`,
    );
  }
  for (const { columns, references, deferrable } of table.foreignKeys) {
    if (deferrable) continue;
    findings.push(
      `${table.name} (${columns.join(', ')}) references ${references} and is checked row by row, but rows arrive in no order of tables: drop the foreign key, or make it DEFERRABLE`,
    );
  }
  for (const [to, value] of Object.entries(mapping.constants ?? {})) {
    if (value === null && columnOf(table, to)?.nullable === false) {
      findings.push(`${table.name}.${to} is NOT NULL, and the constant is null: give it a value`);
    }
  }
  return findings;
}

/**
 * Rows are applied event by event where a batch as a whole is refused. That is right as long as no two rows of the source
 * ever hold the same value between two events; a DEFERRABLE constraint, or none, lets them.
 */
function uniqueFindings(options: {
  readonly mapping: TableMapping;
  readonly pairs: readonly Pair[];
  readonly table: StoreTable;
  readonly uniqueKeys: readonly (readonly string[])[];
}): string[] {
  const { mapping, pairs, table, uniqueKeys } = options;
  return table.uniqueKeys.flatMap((columns) => {
    const parts = columns.map((column) => pairs.find(({ to }) => to === column));
    // One with a column of the service's own, or an expression: nothing is known of its values.
    const constants = mapping.constants ?? {};
    if (columns.some((column, i) => !parts[i] && !Object.hasOwn(constants, column))) return [];
    const from = new Set(parts.flatMap((part) => (part && !part.isTransformed ? [part.from] : [])));
    if (uniqueKeys.some((key) => key.every((column) => from.has(column)))) return [];
    const names = parts.flatMap((part) => (part ? [part.from] : [])).join(', ');
    return [
      `${table.name} (${columns.join(', ')}) is unique, but rows of ${mapping.source} may share or exchange values of (${names}): it has no unique index of all rows on them that is not DEFERRABLE. Make the service's index an ordinary one, or a DEFERRABLE constraint`,
    ];
  });
}

/** More are refused by SQLite: it takes a statement's terms for one expression, 1,000 deep at most. */
const SQLITE_COLUMNS = 900;

function widthFindings(pairs: readonly Pair[], table: StoreTable): string[] {
  if (pairs.length <= SQLITE_COLUMNS) return [];
  return [
    `${table.name}: ${pairs.length} columns are mapped, and SQLite takes ${SQLITE_COLUMNS} at once: map fewer, or keep the copy in PostgreSQL`,
  ];
}

function columnOf(table: StoreTable, name: string): StoreColumn | undefined {
  return table.columns.find((column) => column.name === name);
}
