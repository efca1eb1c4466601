import type { SyncReport } from '@banyan/contracts';
import type { CompiledTable } from '../rows/mapping.ts';
import { keyTexts } from '../rows/record-key.ts';
import type { TopicState } from './topic-state.ts';

/** Held keys that a report names, of each table. */
const SHOWN_KEYS = 10;

/** How the copy of each table stands; heartbeats have none. @param ends Of the topics, as the bus said last; null before. */
export function tableReports(
  states: Iterable<TopicState>,
  ends: ReadonlyMap<string, number> | null,
): SyncReport['tables'] {
  return [...states].flatMap((state) => (state.table ? [tableReport(state, state.table, ends)] : []));
}

function tableReport(
  state: TopicState,
  table: CompiledTable,
  ends: ReadonlyMap<string, number> | null,
): SyncReport['tables'][number] {
  const partitions = [...state.partitions.values()];
  const nextOffset = partitions.reduce((sum, place) => sum + place.nextOffset, 0);
  const end = ends?.get(state.topic);
  return {
    source: table.source,
    target: table.target,
    topic: state.topic,
    nextOffset,
    appliedRows: partitions.reduce((sum, { appliedRows }) => sum + appliedRows, 0),
    quarantined: state.heldCount,
    lost: partitions.some(({ lost }) => lost),
    // What was applied since it was asked for ends no earlier.
    endOffset: end === undefined ? null : Math.max(end, nextOffset),
    heldKeys: someHeldKeys(state, table),
  };
}

function someHeldKeys({ heldKeys }: TopicState, table: CompiledTable): string[][] {
  const some: string[][] = [];
  for (const key of heldKeys.keys()) {
    const texts = keyTexts(key, table);
    if (texts) some.push(texts);
    if (some.length === SHOWN_KEYS) break;
  }
  return some;
}
