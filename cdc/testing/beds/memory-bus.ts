import { randomUUID } from 'node:crypto';
import {
  BusClosedError,
  DEFAULT_BATCH_BYTES,
  DEFAULT_BATCH_RECORDS,
  SourceFencedError,
  type BusRecord,
  type BusUsage,
  type ConsumeOptions,
  type GroupStatus,
  type SourceMove,
  type SourcePosition,
  type SourceRecord,
  type SourceStart,
  type StoredRecord,
  type TopicPosition,
  type TopicStatus,
} from '../../src/bus/bus.ts';
import { BusFullError, OffsetGoneError } from '../../src/bus/bus-errors.ts';
import type { DeleteStep, EmbeddedBus } from '../../src/bus/retention/kept-bus.ts';
import { openText, takenOver } from '../../src/bus/source-position.ts';

/** A bus that forgets everything at its end, for tests. One process, one partition a topic. */
export function createMemoryBus(): EmbeddedBus {
  return new MemoryBus();
}

class MemoryBus implements EmbeddedBus {
  readonly #id = randomUUID();
  #records: StoredRecord[] = [];
  readonly #starts = new Map<string, number>();
  readonly #groups = new Map<string, Map<string, { nextOffset: number; atMs: number }>>();
  #limits: { maxBytes: number; warnBytes: number } | null = null;
  #refusals = 0;
  readonly #ends = new Map<string, number>();
  readonly #positions = new Map<string, SourcePosition>();
  readonly #closing = new AbortController();
  #changed = Promise.withResolvers<undefined>();

  // eslint-disable-next-line @typescript-eslint/require-await -- a promise even when it throws
  async append(records: readonly BusRecord[], signal?: AbortSignal): Promise<void> {
    this.#check(signal);
    this.#refuseBeyondLimit(records);
    this.#insert(records);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a promise even when it throws
  async appendAt(given: readonly SourceRecord[], move: SourceMove, signal?: AbortSignal): Promise<void> {
    const records = given.map((record) => ({ ...record, value: record.value?.toString() ?? null }));
    this.#check(signal);
    this.#refuseBeyondLimit(records);
    const position = this.#positions.get(move.source);
    if (
      position?.epoch !== move.epoch ||
      position.lsn !== move.expectedLsn ||
      openText(position.open) !== openText(move.expectedOpen ?? null)
    ) {
      throw new SourceFencedError(`Another reader has taken over source "${move.source}".`);
    }
    const { lsn, open = null, witness = position.witness } = move;
    this.#positions.set(move.source, { ...position, lsn, open, witness, heardAtMs: Date.now() });
    this.#insert(records);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a promise even when it throws
  async takeOver(source: string, start: SourceStart): Promise<SourcePosition> {
    this.#check();
    const before = this.#positions.get(source) ?? null;
    if (start.anew?.step === 'begin' && before?.epoch !== start.anew.epoch) {
      throw new SourceFencedError(`Another reader has taken over source "${source}".`);
    }
    const position = takenOver(source, { before, start, nowMs: Date.now() });
    this.#positions.set(source, position);
    return position;
  }

  sourcePosition(source: string): Promise<SourcePosition | null> {
    return Promise.resolve(this.#positions.get(source) ?? null);
  }

  async consume(options: ConsumeOptions): Promise<void> {
    this.#check();
    const {
      from,
      maxBatchRecords = DEFAULT_BATCH_RECORDS,
      maxBatchBytes = DEFAULT_BATCH_BYTES,
      signal,
    } = options;
    const next = new Map(from.map(({ topic, nextOffset }) => [topic, nextOffset]));
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve()));
    while (!stop.aborted) {
      const changed = this.#changed.promise;
      this.#refuseGone(next);
      const batch = this.#records
        .filter(({ topic, offset }) => offset >= (next.get(topic) ?? Infinity))
        .slice(0, maxBatchRecords)
        .filter(withinBytes(maxBatchBytes));
      if (batch.length === 0) {
        await Promise.race([changed, stopped]);
        continue;
      }
      await options.onBatch(batch);
      for (const { topic, offset } of batch) next.set(topic, offset + 1);
    }
    if (!signal.aborted) throw new BusClosedError('The bus was closed while it was being consumed.');
  }

  partitions(): Promise<readonly number[]> {
    return Promise.resolve([0]);
  }

  ends(topics: readonly string[]): Promise<readonly TopicPosition[]> {
    return Promise.resolve(
      topics.map((topic) => ({ topic, partition: 0, nextOffset: this.#ends.get(topic) ?? 0 })),
    );
  }

  id(): Promise<string> {
    return Promise.resolve(this.#id);
  }

  starts(topics: readonly string[]): Promise<readonly TopicPosition[]> {
    return Promise.resolve(
      topics.map((topic) => ({ topic, partition: 0, nextOffset: this.#starts.get(topic) ?? 0 })),
    );
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a promise even when it throws
  async read(from: TopicPosition, limit: number): Promise<readonly StoredRecord[]> {
    this.#refuseGone(new Map([[from.topic, from.nextOffset]]));
    return this.#from(from.topic, from.nextOffset).slice(0, limit);
  }

  topics(): Promise<readonly TopicStatus[]> {
    return Promise.resolve(
      Array.from(this.#ends, ([topic, nextOffset]) => {
        const records = this.#from(topic, 0);
        const firstOffset = this.#starts.get(topic) ?? 0;
        return { topic, firstOffset, nextOffset, records: records.length, bytes: sizeOf(records) };
      }).sort((a, b) => (a.topic < b.topic ? -1 : 1)),
    );
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a promise even when it throws
  async commit(group: string, positions: readonly TopicPosition[]): Promise<void> {
    this.#check();
    const topics = this.#groups.get(group) ?? new Map<string, { nextOffset: number; atMs: number }>();
    for (const { topic, nextOffset } of positions) topics.set(topic, { nextOffset, atMs: Date.now() });
    if (topics.size > 0) this.#groups.set(group, topics);
  }

  release(group: string, topics?: readonly string[]): Promise<void> {
    for (const topic of topics ?? []) this.#groups.get(group)?.delete(topic);
    if (!topics || this.#groups.get(group)?.size === 0) this.#groups.delete(group);
    return Promise.resolve();
  }

  groups(): Promise<readonly GroupStatus[]> {
    return Promise.resolve(
      Array.from(this.#groups, ([name, places]) => {
        const topics = Array.from(places, ([topic, { nextOffset }]) => {
          const unread = this.#from(topic, nextOffset);
          const lost = nextOffset < (this.#starts.get(topic) ?? 0);
          const lag = { lagRecords: unread.length, lagBytes: sizeOf(unread) };
          return { topic, partition: 0, nextOffset, ...lag, lost };
        });
        return {
          name,
          topics,
          lagRecords: topics.reduce((sum, { lagRecords }) => sum + lagRecords, 0),
          lagBytes: topics.reduce((sum, { lagBytes }) => sum + lagBytes, 0),
          lastSeenAtMs: Math.max(...Array.from(places.values(), ({ atMs }) => atMs)),
          lost: topics.some(({ lost }) => lost),
        };
      }),
    );
  }

  usage(): Promise<BusUsage> {
    const { maxBytes = null, warnBytes = null } = this.#limits ?? {};
    return Promise.resolve({ bytes: sizeOf(this.#records), maxBytes, warnBytes });
  }

  deleteStep({ topic, before, storedBeforeMs = Infinity, unreadToo = false }: DeleteStep): Promise<number> {
    const start = this.#starts.get(topic) ?? 0;
    const wanted = Array.from(this.#groups.values(), (places) => places.get(topic)?.nextOffset ?? Infinity);
    const slowest = unreadToo ? Infinity : Math.min(...wanted.filter((offset) => offset >= start));
    const bound = Math.min(before, slowest, this.#ends.get(topic) ?? 0);
    const young = this.#from(topic, 0).find(({ storedAtMs }) => storedAtMs >= storedBeforeMs);
    const first = Math.max(start, Math.min(bound, young?.offset ?? Infinity));
    if (first > start) this.#starts.set(topic, first);
    return Promise.resolve(this.#delete((record) => record.topic === topic && record.offset < first));
  }

  deleteRecords(topic: string, offsets: readonly number[]): Promise<number> {
    const last = (this.#ends.get(topic) ?? 0) - 1;
    return Promise.resolve(
      this.#delete(({ topic: of, offset }) => of === topic && offset !== last && offsets.includes(offset)),
    );
  }

  giveBack(): Promise<number> {
    return Promise.resolve(0);
  }

  setLimits(limits: { maxBytes: number; warnBytes: number }): Promise<void> {
    this.#limits = limits;
    return Promise.resolve();
  }

  get refusals(): number {
    return this.#refusals;
  }

  close(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
  }

  #from(topic: string, offset: number): StoredRecord[] {
    return this.#records.filter((record) => record.topic === topic && record.offset >= offset);
  }

  #delete(isGone: (record: StoredRecord) => boolean): number {
    const before = this.#records.length;
    this.#records = this.#records.filter((record) => !isGone(record));
    this.#wake();
    return before - this.#records.length;
  }

  #refuseGone(positions: ReadonlyMap<string, number>): void {
    const wanted = Array.from(positions, ([topic, nextOffset]) => ({ topic, partition: 0, nextOffset }));
    const gone = wanted.filter(({ topic, nextOffset }) => nextOffset < (this.#starts.get(topic) ?? 0));
    const starts = gone.map((place) => ({ ...place, nextOffset: this.#starts.get(place.topic) ?? 0 }));
    if (gone.length > 0) throw new OffsetGoneError(gone, starts);
  }

  #refuseBeyondLimit(records: readonly BusRecord[]): void {
    if (!this.#limits || sizeOf(this.#records) + sizeOf(records) <= this.#limits.maxBytes) {
      this.#refusals = 0;
      return;
    }
    this.#refusals += 1;
    throw new BusFullError('limit', 'The bus in memory has reached its limit. Nothing was stored.');
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<undefined>();
    resolve(undefined);
  }

  #insert(records: readonly BusRecord[]): void {
    for (const record of records) {
      const offset = this.#ends.get(record.topic) ?? 0;
      this.#ends.set(record.topic, offset + 1);
      this.#records.push({
        ...record,
        headers: { ...record.headers },
        partition: 0,
        offset,
        storedAtMs: Date.now(),
      });
    }
    this.#wake();
  }

  #check(signal?: AbortSignal): void {
    signal?.throwIfAborted();
    if (this.#closing.signal.aborted) throw new BusClosedError('The bus is closed.');
  }
}

/** Passes records until their values come to more than that; the first one always. */
function withinBytes(maxBytes: number): (record: BusRecord) => boolean {
  let total = 0;
  return ({ value }) => {
    const bytes = Buffer.byteLength(value ?? '');
    total += bytes;
    return total <= maxBytes || total === bytes;
  };
}

function sizeOf(records: readonly BusRecord[]): number {
  return records.reduce(
    (sum, { key, headers, value }) =>
      sum + Buffer.byteLength((key ?? '') + (value ?? '') + JSON.stringify(headers)),
    0,
  );
}
