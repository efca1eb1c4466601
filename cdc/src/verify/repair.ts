import { setTimeout as delay } from 'node:timers/promises';
import { judge, type JudgeOptions, type Settled } from './judge.ts';

const REREAD_TIMEOUT_MS = 60_000;
const LOOK_INTERVAL_MS = 200;

/** Keys asked for at once: at most so many, and at most so much JSON, since a signal's data is short. */
const MAX_KEYS = 100;
const MAX_KEYS_BYTES = 1_500;

/** Asks the feed to read rows again and to send each once more, or its deletion. Keys are PostgreSQL's text. */
export type RequestRowReread = (
  table: string,
  keys: readonly (readonly string[])[],
  signal: AbortSignal,
) => Promise<string>;

/**
 * Has rows that differ read again at the source, and judges them once more until they are equal, or for 60 s.
 *
 * @param options.isKeyTextShared See `SortedPage`: without it, a row that only the service has cannot be asked for.
 * @returns what differs still; its rows counted anew.
 */
export async function repair(
  options: JudgeOptions & {
    readonly requestRowReread: RequestRowReread;
    readonly isKeyTextShared: boolean;
  },
  settled: Settled,
): Promise<Settled> {
  const { table, requestRowReread, isKeyTextShared, signal } = options;
  const asked = settled.findings.flatMap(({ key, sourceKey }) => {
    if (sourceKey) return [sourceKey];
    return isKeyTextShared ? [key] : [];
  });
  for (const some of inPieces(asked)) await requestRowReread(table.source, some, signal);
  const deadlineMs = performance.now() + REREAD_TIMEOUT_MS;
  for (let last = settled; ;) {
    last = await judge(options, last.ranges);
    if (last.findings.length === 0 || performance.now() > deadlineMs) return last;
    await delay(LOOK_INTERVAL_MS, undefined, { signal });
  }
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
