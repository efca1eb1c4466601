import { SourceTableError } from '@banyan/cdc/capture';
import { messageOf } from '@banyan/kit';
import type { TableFeed } from './ports.ts';

/** A table of the source, as its catalog describes it. */
export type Described = Awaited<ReturnType<TableFeed['describeTables']>>[number];

/** Tables that the source has, and a line for each that it cannot give. @throws what the source throws else. */
export async function describeAll(
  feed: Pick<TableFeed, 'describeTables'>,
  tables: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly tables: readonly Described[]; readonly problems: readonly string[] }> {
  try {
    const described = await feed.describeTables(tables, signal);
    const missing = tables.filter((name) => !described.some((table) => table.name === name));
    return { tables: described, problems: missing.map((name) => `${name} does not exist`) };
  } catch (error) {
    // A source that names unfit tables by this error did answer; the others may have problems of their own.
    if (!(error instanceof SourceTableError)) throw error;
    const unfit = error.problems.map(({ table }) => table);
    const rest = tables.filter((table) => !unfit.includes(table));
    const [head = '', ...lines] = messageOf(error).split(/\n\s*-\s*/);
    const problems = lines.map((line) => `${head} ${line}`);
    if (rest.length === 0 || rest.length === tables.length) return { tables: [], problems };
    const described = await describeAll(feed, rest, signal);
    return { tables: described.tables, problems: [...problems, ...described.problems] };
  }
}
