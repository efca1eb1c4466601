import type { SliceDefinition } from '@banyan/contracts';
import type { CaughtUp } from '../caught-up/caught-up.ts';
import type { CompiledTable } from '../consumer/mapping.ts';
import type { Source } from '../source/source.ts';
import { rowHash } from './canonical.ts';
import type { ServiceCopy } from './copy.ts';
import { readSourceRows, type CanonicalSourceRow, type KeyRange } from './source-rows.ts';

export type { KeyRange } from './source-rows.ts';

const MAX_ROUNDS = 5;
const PAGE_ROWS = 1_000;

/** A row that the two sides do not agree on. */
export interface Difference {
  /** `unsettled`: the source's row changed in every round, so that nothing can be said of the copy. */
  readonly kind: 'missing' | 'extra' | 'different' | 'unsettled';
  readonly key: readonly string[];
}

export interface SettleOptions {
  readonly source: Source;
  readonly copy: ServiceCopy;
  readonly slice: SliceDefinition;
  readonly caughtUp: CaughtUp;
  readonly signal: AbortSignal;
}

/** Row hash by key, the key as JSON text. */
type Hashes = ReadonlyMap<string, string>;

/**
 * Looks at a range that differs row by row, and again until each row is settled.
 *
 * @param options.seen The source's rows of the range, as read before the copy was found to differ.
 */
export async function settleRange(
  options: SettleOptions & {
    readonly table: CompiledTable;
    readonly range: KeyRange;
    readonly seen: readonly CanonicalSourceRow[];
  },
): Promise<{ rowsSource: number; rowsTarget: number; differences: Difference[] }> {
  const { slice, copy, caughtUp, signal } = options;
  const differences: Difference[] = [];
  let before = toHashes(options.seen);
  let target = await readTarget(options);
  let open = keysThatDiffer(before, target);
  for (let round = 0; round < MAX_ROUNDS && open.length > 0; round += 1) {
    // The order makes the verdict: `before` was read, 1. the copy passes a position taken after that, 2. the copy is
    // read, 3. the source is read again. A source row that is the same in `before` and 3 did not change meanwhile,
    // and the copy had to hold it at 2. A row that did change says nothing, and is looked at once more.
    await caughtUp.wait({ slice, copy, signal });
    target = await readTarget(options);
    const after = toHashes(await readSource(options));
    const unsettled: string[] = [];
    for (const key of open) {
      if (target.get(key) === after.get(key)) continue;
      if (before.get(key) === after.get(key)) differences.push(toDifference(key, after, target));
      else unsettled.push(key);
    }
    open = unsettled;
    before = after;
  }
  for (const key of open) differences.push({ kind: 'unsettled', key: JSON.parse(key) as string[] });
  return { rowsSource: before.size, rowsTarget: target.size, differences };
}

async function readTarget({
  table,
  range: { afterKey, toKey },
  copy,
  signal,
}: SettleOptions & { readonly table: CompiledTable; readonly range: KeyRange }): Promise<Hashes> {
  const request = { table: table.target, afterKey: afterKey && [...afterKey], toKey: toKey && [...toKey] };
  const { rows } = await copy.rows(request, signal);
  return new Map(rows.map(({ key, hash }) => [JSON.stringify(key), hash]));
}

async function readSource(
  options: SettleOptions & { readonly table: CompiledTable; readonly range: KeyRange },
): Promise<CanonicalSourceRow[]> {
  const { source, table, range, signal } = options;
  const all: CanonicalSourceRow[] = [];
  for (;;) {
    const from: KeyRange = { afterKey: all.at(-1)?.key ?? range.afterKey, toKey: range.toKey };
    const page = await readSourceRows({ source, table, range: from, limit: PAGE_ROWS, signal });
    all.push(...page);
    if (page.length < PAGE_ROWS) return all;
  }
}

function toHashes(rows: readonly CanonicalSourceRow[]): Hashes {
  return new Map(rows.map(({ key, row }) => [JSON.stringify(key), rowHash(row)]));
}

function keysThatDiffer(ours: Hashes, theirs: Hashes): string[] {
  return [...new Set([...ours.keys(), ...theirs.keys()])].filter((key) => ours.get(key) !== theirs.get(key));
}

function toDifference(key: string, source: Hashes, target: Hashes): Difference {
  const kind = !target.has(key) ? 'missing' : !source.has(key) ? 'extra' : 'different';
  return { kind, key: JSON.parse(key) as string[] };
}
