import type { StoreReport, TableMapping } from '@banyan/contracts';
import { checkMapping, checkTransforms } from '@banyan/cdc/verify';
import { messageOf } from '@banyan/kit';
import type { TableCheck } from './domain/evidence.ts';
import { describeAll, type Described } from '../feed/describe-all.ts';
import type { MonolithDatabase, TableFeed } from '../feed/ports.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';

/** Both of whom the source is asked. */
export interface CheckedSource {
  readonly database: Pick<MonolithDatabase, 'readPage'>;
  readonly feed: Pick<TableFeed, 'describeTables'>;
}

/** Rows of each table that its transforms are tried on. */
const SAMPLE_ROWS = 200;

/**
 * Holds a slice's mapping against both sides, the tables of the source and those of the service's store, and tries its
 * transforms on rows of the source. Everything that is found is told at once. Does not throw.
 */
export async function checkTables(
  slice: ManagedSlice,
  source: CheckedSource,
  signal: AbortSignal,
): Promise<TableCheck> {
  if (slice.tables.length === 0) return { known: true, problems: [] };
  const [described, store] = await Promise.all([
    describeAll(source.feed, slice.tables, signal).catch((error: unknown) => messageOf(error)),
    slice.copy.store(signal).catch((error: unknown) => messageOf(error)),
  ]);
  const problems: string[] = typeof described === 'string' ? [] : [...described.problems];
  const unknown: string[] = typeof described === 'string' ? [`the database: ${described}`] : [];
  if (typeof store === 'string') unknown.push(`the service: ${store}`);
  for (const mapping of slice.definition.tables) {
    const table =
      typeof described === 'string'
        ? undefined
        : described.tables.find(({ name }) => name === mapping.source);
    problems.push(...checkMapping({ mapping, source: table ?? null, store: storeOf(store) }));
    if (!table) continue;
    try {
      problems.push(...(await tryTransforms(mapping, table, source, signal)));
    } catch (error) {
      unknown.push(`rows of ${mapping.source}: ${messageOf(error)}`);
    }
  }
  if (problems.length > 0) return { known: true, problems };
  return unknown.length === 0 ? { known: true, problems } : { known: false, error: unknown.join('; ') };
}

function storeOf(store: StoreReport | string): StoreReport | null {
  return typeof store === 'string' ? null : store;
}

async function tryTransforms(
  mapping: TableMapping,
  table: Described,
  source: CheckedSource,
  signal: AbortSignal,
): Promise<string[]> {
  const transformed = Object.keys(mapping.columns).filter(
    (column) => typeof mapping.columns[column] === 'object' && column in table.columns,
  );
  if (transformed.length === 0 || table.key.length === 0) return [];
  const columns = [...new Set([...table.key, ...transformed])];
  const range = { table: mapping.source, columns, key: table.key, afterKey: null, toKey: null };
  const { rows } = await source.database.readPage({ ...range, limit: SAMPLE_ROWS }, signal);
  return checkTransforms(mapping, rows);
}
