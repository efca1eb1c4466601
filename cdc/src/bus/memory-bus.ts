import {
  BusClosedError,
  DEFAULT_BATCH_BYTES,
  SourceFencedError,
  type BusRecord,
  type ConsumeOptions,
  type SourceLog,
  type SourcePosition,
  type StoredRecord,
  type TopicPosition,
} from './bus.ts';

/** A bus that forgets everything at its end, for tests. One process, one partition a topic. */
export function createMemoryBus(): SourceLog {
  return new MemoryBus();
}

class MemoryBus implements SourceLog {
  readonly #records: StoredRecord[] = [];
  readonly #ends = new Map<string, number>();
  readonly #positions = new Map<string, SourcePosition>();
  readonly #closing = new AbortController();
  #changed = Promise.withResolvers<undefined>();

  // eslint-disable-next-line @typescript-eslint/require-await -- a promise even when it throws
  async append(records: readonly BusRecord[], signal?: AbortSignal): Promise<void> {
    this.#check(signal);
    this.#insert(records);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a promise even when it throws
  async appendAt(
    records: readonly BusRecord[],
    move: { source: string; epoch: number; expectedLsn: bigint; lsn: bigint },
    signal?: AbortSignal,
  ): Promise<void> {
    this.#check(signal);
    const position = this.#positions.get(move.source);
    if (position?.epoch !== move.epoch || position.lsn !== move.expectedLsn) {
      throw new SourceFencedError(`Another reader has taken over source "${move.source}".`);
    }
    this.#positions.set(move.source, { ...position, lsn: move.lsn, heardAtMs: Date.now() });
    this.#insert(records);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a promise even when it throws
  async takeOver(
    source: string,
    server: { systemId: string; timeline: number; lsn: bigint },
  ): Promise<SourcePosition> {
    this.#check();
    const before = this.#positions.get(source);
    const isSame = before?.systemId === server.systemId && before.timeline === server.timeline;
    const position: SourcePosition = {
      ...server,
      source,
      epoch: (before?.epoch ?? 0) + 1,
      lsn: isSame ? before.lsn : server.lsn,
      heardAtMs: Date.now(),
    };
    this.#positions.set(source, position);
    return position;
  }

  sourcePosition(source: string): Promise<SourcePosition | null> {
    return Promise.resolve(this.#positions.get(source) ?? null);
  }

  async consume(options: ConsumeOptions): Promise<void> {
    this.#check();
    const { from, maxBatchRecords = 500, maxBatchBytes = DEFAULT_BATCH_BYTES, signal } = options;
    const next = new Map(from.map(({ topic, nextOffset }) => [topic, nextOffset]));
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve()));
    while (!stop.aborted) {
      const changed = this.#changed.promise;
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

  close(): Promise<void> {
    this.#closing.abort();
    return Promise.resolve();
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
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<undefined>();
    resolve(undefined);
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
