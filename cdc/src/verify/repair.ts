import { NotCaughtUpError } from './not-caught-up-error.ts';
import type { RowReread } from './row-reread.ts';
import { RowsUnreadableError } from '../capture/postgres/rows-unreadable-error.ts';
import { judge, type JudgeOptions, type Settled } from './judge.ts';

const REREAD_TIMEOUT_MS = 60_000;
/** A row that is changed while it is read is not applied: it is read again, so many times in all. */
const MAX_ATTEMPTS = 3;

/** What differs still after a repair. */
export interface Mended {
  readonly settled: Settled;
  /** Why rows were not read again, for people; null when they were. */
  readonly problem: string | null;
}

/**
 * Has rows that differ read again at the source, and judges them once more, until none is left that this mends.
 *
 * @param options.isKeyTextShared See `SortedPage`: without it, a row that only the service has cannot be asked for.
 */
export async function repair(
  options: JudgeOptions & {
    readonly reread: Pick<RowReread, 'readAgain'>;
    readonly isKeyTextShared: boolean;
  },
  settled: Settled,
): Promise<Mended> {
  const { table } = options;
  let left = settled;
  for (let attempt = 1; ; attempt += 1) {
    const keys = keysOf(left, options);
    const nameless =
      keys.length < left.findings.length
        ? `rows of ${table.source} that only the service has cannot be read again by a key of dates or times`
        : null;
    if (keys.length === 0 || attempt > MAX_ATTEMPTS) return { settled: left, problem: nameless };
    // 1. Every row is on the bus again, behind whatever the copy has missed.
    const problem = await readAgain(options, keys);
    // 2. Judging waits until the copy has passed a position taken now.
    left = await judge(options, left.ranges);
    if (problem !== null) return { settled: left, problem };
  }
}

function keysOf(
  { findings }: Settled,
  { isKeyTextShared }: { readonly isKeyTextShared: boolean },
): readonly (readonly string[])[] {
  return findings.flatMap(({ key, sourceKey }) => {
    if (sourceKey) return [sourceKey];
    return isKeyTextShared ? [key] : [];
  });
}

/** @returns what went wrong, for people; null when nothing did. */
async function readAgain(
  { table, reread, signal }: JudgeOptions & { readonly reread: Pick<RowReread, 'readAgain'> },
  keys: readonly (readonly string[])[],
): Promise<string | null> {
  const deadline = AbortSignal.timeout(REREAD_TIMEOUT_MS);
  try {
    await reread.readAgain(table.source, keys, AbortSignal.any([signal, deadline]));
    return null;
  } catch (cause) {
    signal.throwIfAborted();
    const isTold = cause instanceof RowsUnreadableError || cause instanceof NotCaughtUpError;
    if (!isTold && !deadline.aborted) throw cause;
    return `rows of ${table.source} could not be read again: ${isTold ? cause.message : `not within ${REREAD_TIMEOUT_MS / 1_000} s`}`;
  }
}
