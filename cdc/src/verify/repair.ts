import { setTimeout as delay } from 'node:timers/promises';
import type { RowRereadProgress } from '../source/source.ts';
import { judge, type JudgeOptions, type Settled } from './judge.ts';

const REREAD_TIMEOUT_MS = 60_000;
const LOOK_INTERVAL_MS = 20;

/** Keys asked for at once: at most so many, and at most so much JSON. */
const MAX_KEYS = 1_000;
const MAX_KEYS_BYTES = 100_000;

/** How the feed is asked to read rows again. */
export interface RowReread {
  /** Each key gets a record, or its deletion. Keys are PostgreSQL's text. @returns the re-read's id. */
  request(table: string, keys: readonly (readonly string[])[], signal: AbortSignal): Promise<string>;
  /** Null while nothing is known of it. */
  progress(id: string): Pick<RowRereadProgress, 'state' | 'problem'> | null;
}

/** What differs still after a repair. */
export interface Mended {
  readonly settled: Settled;
  /** Why rows were not read again, for people; null when they were. */
  readonly problem: string | null;
}

/**
 * Has rows that differ read again at the source, and judges them once more.
 *
 * @param options.isKeyTextShared See `SortedPage`: without it, a row that only the service has cannot be asked for.
 */
export async function repair(
  options: JudgeOptions & { readonly reread: RowReread; readonly isKeyTextShared: boolean },
  settled: Settled,
): Promise<Mended> {
  const { table, reread, isKeyTextShared, signal } = options;
  const keys = settled.findings.flatMap(({ key, sourceKey }) => {
    if (sourceKey) return [sourceKey];
    return isKeyTextShared ? [key] : [];
  });
  const problems =
    keys.length < settled.findings.length
      ? [`rows of ${table.source} that only the service has cannot be read again by a key of dates or times`]
      : [];
  // 1. Every row is on the bus again, behind whatever the copy has missed.
  for (const some of inPieces(keys)) {
    const id = await reread.request(table.source, some, signal);
    const problem = await finished(reread, id, signal);
    if (problem !== null) problems.push(`rows of ${table.source} could not be read again: ${problem}`);
  }
  // 2. Judging waits until the copy has passed a position taken now.
  return { settled: await judge(options, settled.ranges), problem: problems[0] ?? null };
}

/** @returns what went wrong; null when nothing did. */
async function finished(reread: RowReread, id: string, signal: AbortSignal): Promise<string | null> {
  const deadlineMs = performance.now() + REREAD_TIMEOUT_MS;
  while (performance.now() < deadlineMs) {
    const progress = reread.progress(id);
    if (progress?.state === 'completed') return null;
    if (progress?.state === 'failed') return progress.problem ?? 'the feed does not say why';
    await delay(LOOK_INTERVAL_MS, undefined, { signal });
  }
  return `the feed has not done it within ${REREAD_TIMEOUT_MS / 1_000} s`;
}

/** Keys in the order given, as many at a time as a signal may hold. */
export function* inPieces(keys: readonly (readonly string[])[]): Generator<readonly (readonly string[])[]> {
  let piece: (readonly string[])[] = [];
  let bytes = 0;
  for (const key of keys) {
    const size = Buffer.byteLength(JSON.stringify(key)) + 1;
    if (piece.length > 0 && (piece.length === MAX_KEYS || bytes + size > MAX_KEYS_BYTES)) {
      yield piece;
      piece = [];
      bytes = 0;
    }
    piece.push(key);
    bytes += size;
  }
  if (piece.length > 0) yield piece;
}
