import type { CompiledTable, Key } from '../rows/mapping.ts';
import type { ServiceCopy } from './service-client/copy.ts';
import { hashOf } from '../rows/canonical.ts';
import { judge, type JudgeOptions, type OpenRange, type Settled } from './judge.ts';
import { isSortedLike } from '../rows/key-order.ts';
import { keyText, readVersionedRows, sortedOtherwise, type BoundedRange } from './source-rows.ts';

export interface SettleOptions extends JudgeOptions {
  readonly copy: ServiceCopy;
  readonly table: CompiledTable;
  /** A target key as the source has it, which tells what is a number; null when the source has no row there. */
  readonly someKey?: Key | null;
  /** Target rows looked at once. Default 2,000. */
  readonly targetRows?: number;
}

/**
 * Looks at ranges whose hashes differ row by row, and judges the rows that differ. Yields in parts, so that a service
 * which holds a million rows too many fills nobody's memory.
 *
 * @throws VerifyUnsupportedError when the service does not sort its rows as the source does.
 */
export async function* settleRanges(
  options: SettleOptions,
  ranges: readonly BoundedRange[],
): AsyncGenerator<Settled> {
  const small: OpenRange[] = [];
  for (const range of ranges) {
    for await (const look of firstLooks(options, range)) {
      if (look.counts === 'both') small.push(look);
      else yield await judge(options, [look]);
    }
  }
  // Judged together: they share one wait for the copy.
  if (small.length > 0) yield await judge(options, small);
}

async function* firstLooks(options: SettleOptions, range: BoundedRange): AsyncGenerator<OpenRange> {
  const { copy, table, someKey = null, targetRows = 2_000, signal } = options;
  const start = range.after && [...range.after.target];
  const toKey = range.to && [...range.to.target];
  const source = await readVersionedRows({ ...options, range });
  const missing = new Set(source.keys());
  const look = { range, source, suspects: new Set<string>() };
  let afterKey = start;
  for (;;) {
    const request = { table: table.target, afterKey, toKey, limit: targetRows, fieldsOf: [] };
    const { rows, isWhole } = await copy.rows(request, signal);
    const keys = rows.map(({ key }) => key);
    if (someKey && !isSortedLike(keys, someKey)) throw sortedOtherwise(table);
    const open = rows.flatMap(({ key, hash }) => {
      const text = keyText(key);
      missing.delete(text);
      const ours = source.get(text);
      return ours && hashOf(ours.row) === hash ? [] : [text];
    });
    if (isWhole && afterKey === start) {
      yield { ...look, target: { afterKey: start, toKey }, open: [...open, ...missing], counts: 'both' };
      return;
    }
    const last = rows.at(-1)?.key ?? null;
    yield { ...look, target: { afterKey, toKey: isWhole ? toKey : last }, open, counts: 'target' };
    if (isWhole) break;
    afterKey = last;
  }
  // What the service lacks is known once all of its rows were seen, and is looked for in the whole range.
  yield { ...look, target: { afterKey: start, toKey }, open: [...missing], counts: 'source' };
}
