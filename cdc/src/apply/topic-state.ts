import type { HeldKey, PartitionProgress, RereadWindow } from './apply-store.ts';
import type { CompiledTable } from '../rows/mapping.ts';

/** What the consumer knows of one topic of its slice. */
export interface TopicState {
  readonly topic: string;
  /** Name of the slice whose copy this is: others may have copies of the same table. */
  readonly slice: string;
  /** Null for the heartbeats' topic. */
  readonly table: CompiledTable | null;
  readonly partitions: ReadonlyMap<number, PartitionProgress>;
  /** Records in quarantine. */
  readonly heldCount: number;
  /** Keys of these records, with how many there are of each: later events of such a key queue behind. */
  readonly heldKeys: ReadonlyMap<string, number>;
  /** Keys whose rows are being read again at the source, longest open first. */
  readonly windows: ReadonlyMap<string, RereadWindow>;
}

/** The states of a slice's topics from what the store holds. */
export function initialStates(options: {
  readonly slice: string;
  /** Topic to table, null for the heartbeats'. */
  readonly topics: ReadonlyMap<string, CompiledTable | null>;
  /** Partitions of each topic. */
  readonly partitions: ReadonlyMap<string, readonly number[]>;
  readonly progress: readonly PartitionProgress[];
  readonly held: readonly HeldKey[];
  readonly windows: readonly RereadWindow[];
  /** The bus that offsets belong to from now on. */
  readonly busId: string;
}): Map<string, TopicState> {
  const { slice, topics, partitions, progress, held, windows, busId } = options;
  return new Map(
    Array.from(topics, ([topic, table]) => {
      const ofTopic = held.filter((record) => record.topic === topic);
      const places = (partitions.get(topic) ?? []).map((partition): [number, PartitionProgress] => {
        const stored = progress.find((place) => place.topic === topic && place.partition === partition);
        const fresh = { topic, partition, nextOffset: 0, appliedRows: 0, lost: false, filled: false };
        return [partition, { ...(stored ?? fresh), busId: stored?.busId ?? busId }];
      });
      const state: TopicState = {
        topic,
        slice,
        table,
        partitions: new Map(places),
        heldCount: ofTopic.reduce((sum, { records }) => sum + records, 0),
        heldKeys: new Map(
          ofTopic.flatMap(({ key, records }): [string, number][] => (key === null ? [] : [[key, records]])),
        ),
        windows: new Map(
          windows.filter((window) => window.topic === topic).map((window) => [window.key, window]),
        ),
      };
      return [topic, state];
    }),
  );
}
