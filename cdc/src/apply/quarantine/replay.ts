import type { ApplyBatch, ProgressMove, QuarantinedRecord, QueueName } from '../apply-store.ts';
import { decodeRecord, RecordError } from '../decode.ts';
import type { CompiledTable } from '../../rows/mapping.ts';
import { reduceChanges, type RowChange } from '../../rows/reduce.ts';
import type { TopicState } from '../topic-state.ts';

/** A queue with its records, in order. */
export interface HeldRecords extends QueueName {
  readonly table: CompiledTable;
  readonly records: readonly QuarantinedRecord[];
}

/**
 * Works out what replaying queues changes, touching nothing. Progress stays where it is, and is compared: whoever else
 * applies to the store would be found out.
 *
 * @throws RecordError, MappingError, RowRejectedError when a queue still cannot be read, mapped or merged.
 */
export function planReplay(
  held: readonly HeldRecords[],
  before: ReadonlyMap<string, TopicState>,
): { readonly batch: ApplyBatch; readonly states: ReadonlyMap<string, TopicState> } {
  const states = new Map(before);
  const changes = new Map<CompiledTable, RowChange[]>();
  for (const { topic, key, table, records } of held) {
    const state = states.get(topic);
    if (!state) continue;
    const ofTable = changes.get(table) ?? [];
    changes.set(table, ofTable);
    for (const record of records) ofTable.push(...changeOf(record, table));
    states.set(topic, withoutQueue(state, key, records));
  }
  return {
    batch: {
      tables: Array.from(changes, ([table, ofTable]) => ({ table, change: reduceChanges(ofTable, table) })),
      progress: [...new Set(held.map(({ topic }) => topic))].flatMap((topic) => movesOf(states.get(topic))),
      barriers: [],
      releasedTopics: [],
      releasedKeys: held.map(({ topic, key }) => ({ topic, key })),
      quarantine: [],
    },
    states,
  };
}

function changeOf(record: QuarantinedRecord, table: CompiledTable): RowChange[] {
  const decoded = decodeRecord(record, table);
  if (decoded.kind === 'tombstone') return [];
  if (decoded.kind === 'change' && decoded.change.kind !== 'clear') return [decoded.change];
  throw new RecordError('it is no change of a row'); // only a new table snapshot makes up for it
}

function withoutQueue(state: TopicState, key: string, records: readonly QuarantinedRecord[]): TopicState {
  const heldKeys = new Map(state.heldKeys);
  heldKeys.delete(key);
  const partitions = new Map(state.partitions);
  for (const { partition } of records) {
    const place = partitions.get(partition);
    if (place) partitions.set(partition, { ...place, appliedRows: place.appliedRows + 1 });
  }
  return { ...state, heldCount: state.heldCount - records.length, heldKeys, partitions };
}

function movesOf(state: TopicState | undefined): ProgressMove[] {
  return Array.from(state?.partitions.values() ?? [], (place) => ({
    ...place,
    expectedOffset: place.nextOffset,
  }));
}
