import { randomUUID } from 'node:crypto';
import type { Logger } from '@banyan/kit';
import type { TypeCatalog } from '../postgres/catalog.ts';
import type { EnvelopeContext } from '../../rows/envelope.ts';
import { isAborted } from '../postgres/is-aborted.ts';
import { writeMessage } from '../feed/logical-message.ts';
import type { SourceDatabase } from '../postgres/source-database.ts';
import type { BusRecord } from '../../bus/bus.ts';
import type { OpenTableSnapshot } from './table-snapshot-history.ts';
import type { StreamedTransactions } from '../postgres/transaction-visibility.ts';
import { ChunkWindows, type Chunk } from './chunk-windows.ts';
import type { RowChange } from '../wal/row-change.ts';
import type { Signal } from './signal-row.ts';
import type { ChunkPlan, SnapshotWork, StepOutcome } from './snapshot-work.ts';
import { TableSnapshotWork, type WorkParts } from './table-snapshot-work.ts';

export interface TableSnapshotsOptions {
  readonly database: SourceDatabase;
  readonly types: TypeCatalog;
  readonly publication: string;
  readonly context: () => EnvelopeContext;
  readonly transactions: () => StreamedTransactions;
  readonly logger: Logger;
  /** Bytes of WAL that were received and are not stored. */
  readonly backlogBytes: () => number;
  /** A chunk waits for this: resolves when the bus has room for it. Default: at once. */
  readonly whenRoom?: (signal: AbortSignal) => Promise<void>;
  /** Most rows read at once. Default 4,096. */
  readonly chunkRows?: number;
  /** While more of the stream than this waits to be stored, no chunk is begun. Default 8 MiB. */
  readonly maxBacklogBytes?: number;
  /** A chunk that takes longer from its end in the WAL to the disk is followed by smaller ones. Default 200. */
  readonly storeTargetMs?: number;
}

/** Wait before a chunk is read again, doubled up to the last one while it goes on failing. */
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 1_000;
/** While the stream has no room, how often it is looked at. */
const BACKLOG_LOOK_MS = 20;
/** Chunks between the first watermark and the disk. */
const MAX_UNDER_WAY = 2;

interface Entry {
  readonly work: SnapshotWork;
  failures: number;
  /** Not before then, milliseconds since the epoch; never while its STARTED is not stored. */
  retryAtMs: number;
}

/**
 * Table snapshots while the stream goes on. Each is done chunk by chunk, those that were asked for take
 * turns, and a chunk is begun only when the stream has room for it. `ChunkWindows` holds the rule that makes them right.
 */
export class TableSnapshots {
  readonly #options: TableSnapshotsOptions & { readonly maxBacklogBytes: number };
  readonly #parts: WorkParts;
  readonly #windows: ChunkWindows;
  #entries: Entry[] = [];
  #wake: (() => void) | undefined;
  #lastHigh: Promise<void> = Promise.resolve();

  constructor(options: TableSnapshotsOptions) {
    const { chunkRows: maxRows = 4_096, storeTargetMs = 200, maxBacklogBytes = 8 * 1024 * 1024 } = options;
    this.#options = { ...options, maxBacklogBytes };
    this.#parts = { ...options, limits: { maxRows, storeTargetMs } };
    this.#windows = new ChunkWindows(options.transactions);
  }

  /** Table snapshots in work and waiting. */
  get open(): readonly OpenTableSnapshot[] {
    return this.#entries.flatMap(({ work: { open } }) => open ?? []);
  }

  /** Takes what the bus says is open for the truth: after a take-over, or when storing failed half-way. */
  restore(open: readonly OpenTableSnapshot[]): void {
    this.#windows.clear();
    this.#entries = open.map((one) => this.#entry(new TableSnapshotWork(one, this.#parts)));
    this.#wake?.();
  }

  /** Says of what is open on the bus that it was given up, since the feed begins anew. */
  abortions(open: readonly OpenTableSnapshot[]): readonly BusRecord[] {
    return open.flatMap((one) => new TableSnapshotWork(one, this.#parts).stop(null)?.records ?? []);
  }

  /** Something was asked for, in the order of the stream. */
  onSignal(signal: Exclude<Signal, { kind: 'unknown' }>): StepOutcome {
    if (signal.kind === 'stop') return this.#stop(signal.tables);
    const open = { id: signal.id, tables: signal.tables, finished: [], scan: null };
    return this.#start(new TableSnapshotWork(open, this.#parts));
  }

  /** The stream has a change. */
  note(change: RowChange): void {
    this.#windows.note(change);
  }

  /** The stream passes a low watermark. */
  passLow(id: string): void {
    this.#windows.passLow(id);
  }

  /** The stream passes a high watermark. */
  passHigh(id: string): StepOutcome {
    const passed = this.#windows.passHigh(id);
    if (!passed) return { records: [], onStored: () => undefined };
    const { chunk, outcome } = passed;
    if (!outcome) {
      this.#fail(chunk.work);
      return { records: [], onStored: () => undefined };
    }
    this.#wake?.();
    return { records: outcome.records, onStored: () => this.#onStored(chunk, outcome) };
  }

  /** The stream broke between the watermarks: what it touched is no longer known for sure. */
  abandonChunks(): void {
    this.#windows.clear();
    for (const { work } of this.#entries) work.rewind();
    this.#wake?.();
  }

  /** Reads chunk after chunk until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort, { once: true });
    const flows = new Set<Promise<void>>();
    while (!signal.aborted) {
      const next = this.#pick();
      if (!next || 'waitMs' in next) {
        await this.#woken(next?.waitMs ?? null);
        continue;
      }
      const flow = this.#read(next.entry, next.plan, signal).finally(() => flows.delete(flow));
      flows.add(flow);
    }
    await Promise.all(flows);
  }

  /** The next chunk to read, each work in its turn; or how long there is none. */
  #pick(): { readonly entry: Entry; readonly plan: ChunkPlan } | { readonly waitMs: number } | null {
    if (this.#windows.size >= MAX_UNDER_WAY) return null; // woken when one is stored
    const nowMs = Date.now();
    const isFull = this.#options.backlogBytes() > this.#options.maxBacklogBytes;
    let waitMs: number | null = null;
    for (const entry of this.#entries) {
      const { work, retryAtMs } = entry;
      const ownWaitMs = retryAtMs > nowMs ? retryAtMs - nowMs : isFull ? BACKLOG_LOOK_MS : 0;
      if (ownWaitMs > 0) {
        if (ownWaitMs < Infinity) waitMs = Math.min(waitMs ?? Infinity, ownWaitMs);
        continue;
      }
      const plan = work.plan();
      if (!plan) continue;
      this.#entries = [...this.#entries.filter((other) => other !== entry), entry]; // its turn is over
      return { entry, plan };
    }
    return waitMs === null ? null : { waitMs };
  }

  /** The order is the correctness: 1 low, 2 read, 3 high, and the high ones in the order of the reads. */
  async #read({ work }: Entry, plan: ChunkPlan, signal: AbortSignal): Promise<void> {
    const { database, logger } = this.#options;
    const chunk: Chunk = {
      id: randomUUID(),
      work,
      table: plan.table,
      content: null,
      window: null,
      highAtMs: 0,
    };
    const high = Promise.withResolvers<undefined>();
    this.#windows.open(chunk);
    try {
      await this.#options.whenRoom?.(signal);
      if (!this.#windows.has(chunk)) return;
      const highBefore = this.#lastHigh;
      this.#lastHigh = high.promise;
      // 1.
      await writeMessage(database, { lowWatermark: chunk.id }, signal);
      // 2.
      const content = await plan.read(signal);
      this.#wake?.(); // the next one may begin
      await content.prepare();
      chunk.content = content;
      // 3.
      await highBefore;
      if (!this.#windows.has(chunk)) return;
      chunk.highAtMs = Date.now();
      await writeMessage(database, { highWatermark: chunk.id }, signal);
    } catch (error) {
      if (isAborted(signal)) return;
      logger.warn({ err: error, id: work.id, table: plan.table }, 'a chunk failed; trying again');
      if (this.#windows.has(chunk)) this.#fail(work);
    } finally {
      high.resolve(undefined);
    }
  }

  #onStored(chunk: Chunk, outcome: StepOutcome): void {
    outcome.onStored();
    const { work, content, highAtMs } = chunk;
    content?.measured(Date.now() - highAtMs);
    const entry = this.#entries.find((each) => each.work === work);
    if (entry) entry.failures = 0;
    if (work.open === null) this.#entries = this.#entries.filter((each) => each !== entry);
    this.#wake?.();
  }

  /** What a work has under way is of no use; it is read again after a pause. */
  #fail(work: SnapshotWork): void {
    this.#windows.drop(work);
    work.rewind();
    const entry = this.#entries.find((each) => each.work === work);
    if (!entry) return;
    entry.retryAtMs = Date.now() + Math.min(FIRST_PAUSE_MS * 2 ** entry.failures, LAST_PAUSE_MS);
    entry.failures += 1;
    this.#wake?.();
  }

  #start(work: TableSnapshotWork): StepOutcome {
    const entry = { ...this.#entry(work), retryAtMs: Infinity };
    this.#entries = [...this.#entries, entry];
    return {
      records: [work.started()],
      onStored: () => {
        entry.retryAtMs = 0;
        this.#wake?.();
      },
    };
  }

  #stop(tables: readonly string[] | null): StepOutcome {
    const stopped = this.#entries.flatMap(({ work }) => {
      const outcome = work instanceof TableSnapshotWork ? work.stop(tables) : null;
      if (outcome) this.#windows.drop(work);
      return outcome ? [{ work, outcome }] : [];
    });
    return {
      records: stopped.flatMap(({ outcome }) => outcome.records),
      onStored: () => {
        for (const { outcome } of stopped) outcome.onStored();
        const ended = new Set(stopped.flatMap(({ work }) => (work.open === null ? [work] : [])));
        this.#entries = this.#entries.filter(({ work }) => !ended.has(work));
        this.#wake?.();
      },
    };
  }

  #entry(work: SnapshotWork): Entry {
    return { work, failures: 0, retryAtMs: 0 };
  }

  /** Waits until something may have changed; at most so long. */
  async #woken(maxMs: number | null): Promise<void> {
    const woken = Promise.withResolvers<undefined>();
    const wake = (): void => woken.resolve(undefined);
    this.#wake = wake;
    const timer = maxMs === null ? undefined : setTimeout(wake, maxMs);
    await woken.promise;
    clearTimeout(timer);
  }
}
