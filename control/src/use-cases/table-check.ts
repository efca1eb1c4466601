import type { TableMapping } from '@banyan/contracts';
import type { TableCheck } from '../gates/evidence.ts';
import type { Source } from '../ports/feed.ts';
import { messageOf } from './loop.ts';
import type { ManagedSlice } from './managed-slice.ts';

type Described = Awaited<ReturnType<Source['describeTables']>>[number];

/** Compares a slice's mapping with the tables as the source has them. Does not throw. */
export async function checkTables(
  slice: ManagedSlice,
  source: Pick<Source, 'describeTables'>,
  signal: AbortSignal,
): Promise<TableCheck> {
  if (slice.tables.length === 0) return { known: true, problems: [] };
  try {
    const described = await source.describeTables(slice.tables, signal);
    return {
      known: true,
      problems: slice.definition.tables.flatMap((mapping) =>
        problemsOf(
          mapping,
          described.find((table) => table.name === mapping.source),
        ),
      ),
    };
  } catch (error) {
    // A source that names missing tables by this error did answer.
    if (error instanceof Error && 'code' in error && error.code === 'source-tables-unfit') {
      return { known: true, problems: [error.message] };
    }
    return { known: false, error: messageOf(error) };
  }
}

function problemsOf(mapping: TableMapping, table: Described | undefined): string[] {
  if (!table) return [`${mapping.source} does not exist`];
  const problems: string[] = [];
  if (table.key.join() !== mapping.key.join()) {
    problems.push(
      `${mapping.source}: the mapping's key is (${mapping.key.join(', ')}), the primary key is (${table.key.join(', ')})`,
    );
  }
  const missing = Object.keys(mapping.columns).filter((column) => !(column in table.columns));
  if (missing.length > 0) problems.push(`${mapping.source} has no column ${missing.join(', ')}`);
  return problems;
}
