import { keyAsSourceText } from '@banyan/cdc/verify';
import { NotCaughtUpError } from '@banyan/cdc/verify';
import { RowsUnreadableError } from '@banyan/cdc/capture';
import { withDeadline } from '@banyan/kit';
import type { RowReread, TableFeed } from '../feed/ports.ts';

const SOURCE_DEADLINE_MS = 10_000;
const REREAD_DEADLINE_MS = 20_000;

/** Of whom rows are asked again. */
export interface RereadDeps {
  readonly feed: Pick<TableFeed, 'describeTables'>;
  readonly rowReread: RowReread;
}

/**
 * Reads rows again at the source, by the keys that a service names them with.
 *
 * @returns why they cannot be read; null once each row, or its absence, is on the table's topic.
 * @throws what source and bus throw.
 */
export async function rereadRows(
  { feed, rowReread }: RereadDeps,
  rows: { readonly table: string; readonly keys: readonly (readonly string[])[] },
  signal: AbortSignal,
): Promise<string | null> {
  const { table, keys } = rows;
  const [described] = await feed.describeTables([table], withDeadline(signal, SOURCE_DEADLINE_MS));
  const sourceKeys = keys.map((key) => (described ? keyAsSourceText(described, key) : key));
  try {
    await rowReread.readAgain(table, sourceKeys, withDeadline(signal, REREAD_DEADLINE_MS));
    return null;
  } catch (error) {
    if (error instanceof RowsUnreadableError || error instanceof NotCaughtUpError) return error.message;
    throw error;
  }
}
