import { REREAD_HEADER } from '@banyan/contracts';
import type { StoredRecord } from '../bus/bus.ts';
import type { ApplyBatch, HeldKey, PartitionProgress, QuarantinedRecord } from './apply-store.ts';
import { decodeHeartbeat, decodeRecord, RecordError, type DecodedRecord } from './decode.ts';
import { MappingError, type CompiledTable } from './mapping.ts';
import { reduceChanges, type RowChange } from './reduce.ts';

/** What the consumer knows of one topic of its slice. */
export interface TopicState {
  readonly topic: string;
  /** Null for the heartbeats' topic. */
  readonly table: CompiledTable | null;
  readonly partitions: ReadonlyMap<number, PartitionProgress>;
  /** Records in quarantine. */
  readonly heldCount: number;
  /** Keys of these records, with how many there are of each: later events of such a key queue behind. */
  readonly heldKeys: ReadonlyMap<string, number>;
}

export interface BatchPlan {
  readonly batch: ApplyBatch;
  /** The topics' states once the batch is committed. */
  readonly states: ReadonlyMap<string, TopicState>;
  /** Commit times of the changes in the batch, heartbeats included, by the source's clock. */
  readonly committedAtMs: readonly number[];
  /** Latest heartbeat in the batch. */
  readonly heartbeatAtMs: number | null;
}

/** A topic's state while a batch is gone through. */
interface Draft {
  topic: string;
  table: CompiledTable | null;
  changes: RowChange[];
  partitions: Map<number, PartitionProgress>;
  released: boolean;
  quarantine: QuarantinedRecord[];
  releasedKeys: Set<string>;
  heldCount: number;
  /** The state's own until the first change. */
  heldKeys: ReadonlyMap<string, number>;
  heldKeysCopy: Map<string, number> | null;
}

/**
 * Works out what a batch of records changes, touching nothing.
 *
 * @param rejection Puts every row event of the batch into quarantine for this reason (the batch is then one record
 * that the store refused).
 * @throws RowRejectedError as `reduceChanges`.
 */
export function planBatch(
  records: readonly StoredRecord[],
  before: ReadonlyMap<string, TopicState>,
  rejection: string | null = null,
): BatchPlan {
  const drafts = new Map<string, Draft>();
  const barriers: { id: string; topic: string; partition: number }[] = [];
  const committedAtMs: number[] = [];
  let heartbeatAtMs: number | null = null;
  for (const record of records) {
    const draft = drafts.get(record.topic) ?? openDraft(record.topic, before);
    drafts.set(record.topic, draft);
    advance(draft, record, 0);
    if (!draft.table) {
      const atMs = decodeHeartbeat(record);
      if (atMs === null) continue;
      heartbeatAtMs = Math.max(heartbeatAtMs ?? 0, atMs);
      committedAtMs.push(atMs);
      continue;
    }
    const decoded = decodeOrHold(record, draft, draft.table, rejection);
    switch (decoded?.kind) {
      case 'barrier':
        barriers.push({ id: decoded.id, topic: record.topic, partition: record.partition });
        break;
      case 'reset':
        empty(draft);
        for (const [partition, progress] of draft.partitions) {
          draft.partitions.set(partition, { ...progress, appliedRows: 0, lost: false });
        }
        break;
      case 'change':
        if (decoded.change.kind === 'clear') empty(draft);
        else draft.changes.push(decoded.change);
        advance(draft, record, 1);
        if (decoded.committedAtMs !== null) committedAtMs.push(decoded.committedAtMs);
        break;
      case 'tombstone':
      case undefined:
        break;
    }
  }
  return {
    batch: toApplyBatch([...drafts.values()], before, barriers),
    states: new Map([...before, ...Array.from(drafts.values(), toState)]),
    committedAtMs,
    heartbeatAtMs,
  };
}

/** The states of a slice's topics from what the store holds. */
export function initialStates(options: {
  /** Topic to table, null for the heartbeats'. */
  readonly topics: ReadonlyMap<string, CompiledTable | null>;
  /** Partitions of each topic. */
  readonly partitions: ReadonlyMap<string, readonly number[]>;
  readonly progress: readonly PartitionProgress[];
  readonly held: readonly HeldKey[];
  /** The bus that offsets belong to from now on. */
  readonly busId: string;
}): Map<string, TopicState> {
  const { topics, partitions, progress, held, busId } = options;
  return new Map(
    Array.from(topics, ([topic, table]) => {
      const ofTopic = held.filter((record) => record.topic === topic);
      const places = (partitions.get(topic) ?? []).map((partition): [number, PartitionProgress] => {
        const stored = progress.find((place) => place.topic === topic && place.partition === partition);
        const fresh = { topic, partition, nextOffset: 0, appliedRows: 0, lost: false };
        return [partition, { ...(stored ?? fresh), busId: stored?.busId ?? busId }];
      });
      const state: TopicState = {
        topic,
        table,
        partitions: new Map(places),
        heldCount: ofTopic.reduce((sum, { records }) => sum + records, 0),
        heldKeys: new Map(
          ofTopic.flatMap(({ key, records }): [string, number][] => (key === null ? [] : [[key, records]])),
        ),
      };
      return [topic, state];
    }),
  );
}

function openDraft(topic: string, before: ReadonlyMap<string, TopicState>): Draft {
  const state = before.get(topic);
  if (!state) throw new Error(`A record of topic "${topic}" came, which was not asked for.`);
  return {
    topic,
    table: state.table,
    changes: [],
    partitions: new Map(state.partitions),
    released: false,
    quarantine: [],
    releasedKeys: new Set(),
    heldCount: state.heldCount,
    heldKeys: state.heldKeys,
    heldKeysCopy: null,
  };
}

function toState({ topic, table, partitions, heldCount, heldKeys }: Draft): [string, TopicState] {
  return [topic, { topic, table, partitions, heldCount, heldKeys }];
}

/** Thousands of keys may be held: they are copied only by a batch that changes them. */
function changeHeldKeys(draft: Draft): Map<string, number> {
  draft.heldKeysCopy ??= new Map(draft.heldKeys);
  draft.heldKeys = draft.heldKeysCopy;
  return draft.heldKeysCopy;
}

function advance(draft: Draft, { topic, partition, offset }: StoredRecord, rows: number): void {
  const place = draft.partitions.get(partition);
  if (!place)
    throw new Error(`A record of partition ${partition} of "${topic}" came, which was not asked for.`);
  const appliedRows = place.appliedRows + rows;
  draft.partitions.set(partition, { ...place, nextOffset: offset + 1, appliedRows });
}

/** The target is emptied: what came before, held records included, no longer counts. */
function empty(draft: Draft): void {
  draft.changes = [{ kind: 'clear' }];
  draft.released = true;
  draft.quarantine = [];
  draft.releasedKeys.clear();
  draft.heldCount = 0;
  draft.heldKeysCopy = new Map();
  draft.heldKeys = draft.heldKeysCopy;
}

/** The row was read again at the source, after everything that is held of it: nothing of that counts any more. */
function release(draft: Draft, key: string): void {
  draft.quarantine = draft.quarantine.filter((record) => record.key !== key);
  draft.heldCount -= draft.heldKeys.get(key) ?? 0;
  changeHeldKeys(draft).delete(key);
  draft.releasedKeys.add(key);
}

function decodeOrHold(
  record: StoredRecord,
  draft: Draft,
  table: CompiledTable,
  rejection: string | null,
): DecodedRecord | null {
  const { key } = record;
  const hold = (reason: string): null => {
    const { topic, partition, offset, headers, value } = record;
    draft.quarantine.push({ topic, partition, offset, key, headers, value, reason });
    draft.heldCount += 1;
    if (key !== null) changeHeldKeys(draft).set(key, (draft.heldKeys.get(key) ?? 0) + 1);
    return null;
  };
  const isQueued = record.value !== null && key !== null && draft.heldKeys.has(key);
  const isReread = record.headers[REREAD_HEADER] !== undefined;
  if (isQueued && !isReread) return hold('an earlier event of its key is held');
  try {
    const decoded = decodeRecord(record, table);
    if (decoded.kind === 'change' && rejection !== null) return hold(rejection);
    if (isQueued) release(draft, key);
    return decoded;
  } catch (cause) {
    if (cause instanceof RecordError || cause instanceof MappingError) return hold(cause.message);
    throw cause;
  }
}

function toApplyBatch(
  drafts: readonly Draft[],
  before: ReadonlyMap<string, TopicState>,
  barriers: ApplyBatch['barriers'],
): ApplyBatch {
  return {
    tables: drafts.flatMap(({ table, changes }) =>
      table && changes.length > 0 ? [{ table, change: reduceChanges(changes, table) }] : [],
    ),
    progress: drafts.flatMap((draft) =>
      Array.from(draft.partitions.values(), (place) => ({
        ...place,
        expectedOffset: before.get(draft.topic)?.partitions.get(place.partition)?.nextOffset ?? 0,
      })),
    ),
    barriers,
    releasedTopics: drafts.filter(({ released }) => released).map(({ topic }) => topic),
    releasedKeys: drafts.flatMap(({ topic, releasedKeys }) =>
      Array.from(releasedKeys, (key) => ({ topic, key })),
    ),
    quarantine: drafts.flatMap(({ quarantine }) => quarantine),
  };
}
