import {
  BusClosedError,
  SourceFencedError,
  type BusRecord,
  type ConsumeOptions,
  type SourceLog,
  type SourceMove,
  type SourcePosition,
  type SourceStart,
  type StoredRecord,
  type TopicPosition,
} from './bus.ts';
import { openText, takenOver } from './source-position.ts';

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
  async appendAt(records: readonly BusRecord[], move: SourceMove, signal?: AbortSignal): Promise<void> {
    this.#check(signal);
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
    const { from, maxBatchRecords = 500, signal } = options;
    const next = new Map(from.map(({ topic, nextOffset }) => [topic, nextOffset]));
    const stop = AbortSignal.any([signal, this.#closing.signal]);
    const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve()));
    while (!stop.aborted) {
      const changed = this.#changed.promise;
      const batch = this.#records
        .filter(({ topic, offset }) => offset >= (next.get(topic) ?? Infinity))
        .slice(0, maxBatchRecords);
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
