import type { StoredRecord } from '../bus/bus.ts';
import type { ApplyBatch, PartitionProgress, QuarantinedRecord } from './apply-store.ts';
import { decodeHeartbeat, decodeRecord, parseEnvelope, RecordError, type DecodedRecord } from './decode.ts';
import { MappingError, type CompiledTable } from '../rows/mapping.ts';
import { reduceChanges, type RowChange } from '../rows/reduce.ts';
import { rereadOf, RereadWindows, windowChanges } from './reread-windows.ts';
import type { TopicState } from './topic-state.ts';

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
  slice: string;
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
  windows: RereadWindows;
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
        if (!isFor(draft, decoded)) break;
        empty(draft);
        change(draft, { appliedRows: 0, lost: false, filled: false });
        break;
      case 'filled':
        if (isFor(draft, decoded)) change(draft, { filled: true });
        break;
      case 'change':
        if (decoded.change.kind === 'clear') empty(draft);
        else draft.changes.push(decoded.change);
        advance(draft, record, 1);
        if (decoded.committedAtMs !== null) committedAtMs.push(decoded.committedAtMs);
        break;
      case 'tombstone':
      case 'passed-over':
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

function openDraft(topic: string, before: ReadonlyMap<string, TopicState>): Draft {
  const state = before.get(topic);
  if (!state) throw new Error(`A record of topic "${topic}" came, which was not asked for.`);
  return {
    topic,
    slice: state.slice,
    table: state.table,
    changes: [],
    partitions: new Map(state.partitions),
    released: false,
    quarantine: [],
    releasedKeys: new Set(),
    heldCount: state.heldCount,
    heldKeys: state.heldKeys,
    heldKeysCopy: null,
    windows: new RereadWindows(state.windows),
  };
}

function toState(draft: Draft): [string, TopicState] {
  const { topic, slice, table, partitions, heldCount, heldKeys, windows } = draft;
  return [topic, { topic, slice, table, partitions, heldCount, heldKeys, windows: windows.open }];
}

/** Whether a control record is for this copy, and not for another slice's copy of the same table. */
function isFor(draft: Draft, { slice }: { readonly slice: string | null }): boolean {
  return slice === null || slice === draft.slice;
}

/** A topic is filled and emptied as a whole, whatever partition that was said on. */
function change(draft: Draft, changes: Partial<PartitionProgress>): void {
  for (const [partition, progress] of draft.partitions) {
    draft.partitions.set(partition, { ...progress, ...changes });
  }
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
  draft.windows.spoil(null);
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
  let { key } = record;
  const hold = (reason: string): null => {
    const { topic, partition, offset, headers, value } = record;
    draft.quarantine.push({ topic, partition, offset, key, headers, value, reason });
    draft.heldCount += 1;
    if (key !== null) changeHeldKeys(draft).set(key, (draft.heldKeys.get(key) ?? 0) + 1);
    return null;
  };
  try {
    const reread = rereadOf(record);
    if (!reread) draft.windows.spoil(key);
    else if (draft.windows.take(reread, record)) ({ key } = reread);
    else return null;
    const isQueued = record.value !== null && key !== null && draft.heldKeys.has(key);
    // Nothing of it concerns this copy, also when it could not be mapped or its key is held. Rows that were read again
    // are for every copy that waits for them.
    const passesOverReads = !reread && isFilled(draft);
    if (isQueued && !reread && !isDelete(record.value)) {
      return passesOverReads && isRead(record) ? null : hold('an earlier event of its key is held');
    }
    const decoded = decodeRecord(record, table, { passesOverReads });
    if (decoded.kind === 'change' && rejection !== null) return hold(rejection);
    if (isQueued && key !== null) release(draft, key);
    return decoded;
  } catch (cause) {
    if (cause instanceof RecordError || cause instanceof MappingError) return hold(cause.message);
    throw cause;
  }
}

function isFilled({ partitions }: Draft): boolean {
  for (const { filled } of partitions.values()) if (filled) return true;
  return false;
}

/** @throws RecordError */
function isRead({ value }: StoredRecord): boolean {
  return value !== null && parseEnvelope(value).op === 'r';
}

/** Of a row that is gone nothing counts that was held before. */
function isDelete(value: string | null): boolean {
  try {
    return value !== null && parseEnvelope(value).op === 'd';
  } catch (cause) {
    if (cause instanceof RecordError) return false; // it waits with the others
    throw cause;
  }
}

function toApplyBatch(
  drafts: readonly Draft[],
  before: ReadonlyMap<string, TopicState>,
  barriers: ApplyBatch['barriers'],
): ApplyBatch {
  const windows = drafts.map((draft) =>
    windowChanges(before.get(draft.topic)?.windows ?? new Map(), draft.windows.open),
  );
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
    closedWindows: windows.flatMap(({ closed }) => closed),
    openedWindows: windows.flatMap(({ opened }) => opened),
  };
}
