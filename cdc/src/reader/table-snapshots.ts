import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { notificationTopic } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import type { BusRecord } from '../bus/bus.ts';
import { decodeRow, type TypeCatalog } from '../source/catalog.ts';
import { isAborted } from '../source/is-aborted.ts';
import { writeMessage } from '../source/logical-message.ts';
import type { SourceDatabase } from '../source/source-database.ts';
import {
  notificationText,
  type OpenTableSnapshot,
  type TableSnapshotNotification,
} from '../source/table-snapshot-notifications.ts';
import { isVisible, type StreamedTransactions } from '../source/transaction-visibility.ts';
import { feedTable, keyText } from './feed-table.ts';
import {
  envelopeSource,
  envelopeText,
  touchedKeys,
  type EnvelopeContext,
  type RowChange,
} from './row-change.ts';
import { readChunk, type ChunkContent } from './snapshot-chunk.ts';

/** What the stream adds to a step, and what to do once that is stored. */
export interface StepOutcome {
  readonly records: readonly BusRecord[];
  readonly onStored: () => void;
}

/** What was touched between the watermarks. */
interface Window {
  /** Transactions streamed before the low watermark: the chunk must have seen them all. */
  readonly streamedBefore: readonly number[];
  readonly touched: Set<string>;
  truncated: boolean;
}

interface Chunk {
  readonly id: string;
  readonly work: OpenTableSnapshot;
  content: ChunkContent | null;
  window: Window | null;
  /** Settles once the chunk is stored (true) or must be read again (false). */
  readonly done: PromiseWithResolvers<boolean>;
}

export interface TableSnapshotsOptions {
  readonly database: SourceDatabase;
  readonly types: TypeCatalog;
  readonly publication: string;
  readonly context: () => EnvelopeContext;
  readonly transactions: () => StreamedTransactions;
  readonly logger: Logger;
  /** Rows read at once. Default 1,024. */
  readonly chunkRows?: number;
}

/** Wait before a chunk is read again, doubled up to the last one while it goes on failing. */
const FIRST_PAUSE_MS = 20;
const LAST_PAUSE_MS = 1_000;

/**
 * Table snapshots while the stream goes on (DBLog). Each chunk of rows is read between two marks in the WAL; when the
 * stream has passed both, rows that it touched in between are dropped, since it has them as new or newer. A row that
 * is left is no older than the stream at the high watermark, because every transaction that was streamed before the
 * low one must be visible to the read; otherwise the chunk is read again.
 */
export class TableSnapshots {
  readonly #options: Required<TableSnapshotsOptions>;
  readonly #queue: OpenTableSnapshot[] = [];
  #chunk: Chunk | null = null;
  #wake: (() => void) | undefined;

  constructor(options: TableSnapshotsOptions) {
    this.#options = { chunkRows: 1_024, ...options };
  }

  /** Those in work and waiting. */
  get open(): readonly OpenTableSnapshot[] {
    return this.#queue;
  }

  /** Takes what the bus says is open for the truth: after a take-over, or when storing failed half-way. */
  restore(open: readonly OpenTableSnapshot[]): void {
    this.abandonChunk();
    this.#queue.splice(0, Infinity, ...open);
    this.#wake?.();
  }

  /** Says of table snapshots that they were given up, since the feed begins anew. */
  abortions(open: readonly OpenTableSnapshot[]): readonly BusRecord[] {
    return open.map((work) => this.#notify(work, 'ABORTED', {}));
  }

  /** A table snapshot was asked for. */
  request(id: string, tables: readonly string[]): StepOutcome {
    const work: OpenTableSnapshot = { id, tables, tableIndex: 0, scan: null };
    return { records: [this.#notify(work, 'STARTED', {})], onStored: () => this.#enqueue(work) };
  }

  /** The stream has a change. */
  note(change: RowChange): void {
    const chunk = this.#chunk;
    if (!chunk?.window || chunk.work.tables[chunk.work.tableIndex] !== change.table.name) return;
    if (change.kind === 'truncate') chunk.window.truncated = true;
    for (const key of touchedKeys(change)) chunk.window.touched.add(key);
  }

  /** The stream passes a low watermark. */
  passLow(id: string): void {
    if (this.#chunk?.id !== id) return;
    const streamedBefore = this.#options.transactions().list();
    this.#chunk.window = { streamedBefore, touched: new Set(), truncated: false };
  }

  /** The stream passes a high watermark. */
  passHigh(id: string): StepOutcome {
    const chunk = this.#chunk;
    const nothing: StepOutcome = { records: [], onStored: () => undefined };
    if (chunk?.id !== id) return nothing;
    const { content, window, done } = chunk;
    if (!content || !window) return { ...nothing, onStored: () => done.resolve(false) };
    if (content.kind === 'refused') return this.#finishTable(chunk, content.status, []);
    const { snapshot } = content;
    if (!window.streamedBefore.every((xid) => isVisible(xid, snapshot))) {
      return { ...nothing, onStored: () => done.resolve(false) };
    }
    this.#options.transactions().forgetVisible(snapshot);
    return this.#take(chunk, content, window);
  }

  /** The stream broke between the watermarks: what it touched is no longer known for sure. */
  abandonChunk(): void {
    this.#chunk?.done.resolve(false);
    this.#chunk = null; // so that its high watermark, should it still come, is nobody's
  }

  /** Reads chunk after chunk until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => {
      this.#chunk?.done.resolve(false);
      this.#wake?.();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    let pauseMs = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      const work = this.#queue[0];
      if (!work) {
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }
      try {
        pauseMs = (await this.#readOne(work, signal)) ? FIRST_PAUSE_MS : Math.min(pauseMs * 2, LAST_PAUSE_MS);
      } catch (error) {
        pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
        if (!isAborted(signal))
          this.#options.logger.warn({ err: error, id: work.id }, 'a chunk failed; trying again');
      } finally {
        this.#chunk = null;
      }
      if (pauseMs > FIRST_PAUSE_MS) await sleep(pauseMs, undefined, { signal }).catch(() => undefined); // aborted
    }
  }

  /** The order is the correctness: 1 low, 2 read, 3 high. @returns whether the chunk was stored. */
  async #readOne(work: OpenTableSnapshot, signal: AbortSignal): Promise<boolean> {
    const { database, types, publication, chunkRows } = this.#options;
    const chunk: Chunk = {
      id: randomUUID(),
      work,
      content: null,
      window: null,
      done: Promise.withResolvers<boolean>(),
    };
    this.#chunk = chunk;
    // 1.
    await writeMessage(database, { lowWatermark: chunk.id }, signal);
    // 2.
    chunk.content = await readChunk({ database, types, publication, work, maxRows: chunkRows, signal });
    // 3.
    await writeMessage(database, { highWatermark: chunk.id }, signal);
    return await chunk.done.promise;
  }

  #take(chunk: Chunk, content: Extract<ChunkContent, { kind: 'rows' }>, window: Window): StepOutcome {
    const { work } = chunk;
    const table = feedTable(this.#options.context().prefix, content.table);
    const atUs = BigInt(content.readAtMs) * 1_000n;
    const source = envelopeSource(this.#options.context(), table, { atUs, snapshot: 'incremental' });
    const records = content.rows.flatMap((texts): BusRecord[] => {
      const after = decodeRow(table.columns, texts);
      const key = keyText(table, after);
      if (window.truncated || key === null || window.touched.has(key)) return [];
      const value = envelopeText('r', { before: null, after }, source);
      return [{ topic: table.topic, key, headers: {}, value }];
    });
    const last = content.rows.at(-1);
    const scan = {
      lastKey: last ? table.key.map((name) => last[name] ?? '') : (work.scan?.lastKey ?? []),
      rowsDone: (work.scan?.rowsDone ?? 0) + content.rows.length,
      rowsEstimated: work.scan?.rowsEstimated ?? content.table.estimatedRows,
    };
    const next: OpenTableSnapshot = { ...work, scan };
    if (content.rows.length < this.#options.chunkRows) {
      return this.#finishTable({ ...chunk, work: next }, 'SUCCEEDED', records);
    }
    const progress = this.#notify(next, 'IN_PROGRESS', {
      current_collection_in_progress: table.name,
      last_processed_key: JSON.stringify(scan.lastKey),
    });
    return { records: [...records, progress], onStored: () => this.#advance(chunk, next) };
  }

  #finishTable(
    chunk: Chunk,
    status: NonNullable<TableSnapshotNotification['additional_data']['status']>,
    records: readonly BusRecord[],
  ): StepOutcome {
    const { work } = chunk;
    const name = work.tables[work.tableIndex] ?? '';
    const log = this.#options.logger;
    const finished = this.#notify(work, 'TABLE_SCAN_COMPLETED', { scanned_collection: name, status });
    const next: OpenTableSnapshot = { ...work, tableIndex: work.tableIndex + 1, scan: null };
    const isLast = next.tableIndex >= work.tables.length;
    return {
      records: [...records, finished, ...(isLast ? [this.#notify(work, 'COMPLETED', {})] : [])],
      onStored: () => {
        if (status === 'SUCCEEDED') {
          log.info({ id: work.id, table: name, rows: work.scan?.rowsDone ?? 0 }, 'table snapshot done');
        } else {
          log.error({ id: work.id, table: name, status }, 'table snapshot not possible');
        }
        this.#advance(chunk, isLast ? null : next);
      },
    };
  }

  #enqueue(work: OpenTableSnapshot): void {
    this.#queue.push(work);
    this.#wake?.();
  }

  #advance(chunk: Chunk, next: OpenTableSnapshot | null): void {
    if (next) this.#queue[0] = next;
    else this.#queue.shift();
    chunk.done.resolve(true);
  }

  #notify(
    work: OpenTableSnapshot,
    type: TableSnapshotNotification['type'],
    data: Partial<TableSnapshotNotification['additional_data']>,
  ): BusRecord {
    const { prefix } = this.#options.context();
    const { scan } = work;
    const value = notificationText({
      id: work.id,
      aggregate_type: 'Incremental Snapshot',
      type,
      additional_data: {
        connector_name: prefix,
        data_collections: work.tables.join(', '),
        ...(scan ? { total_rows_scanned: String(scan.rowsDone) } : {}),
        ...(scan?.rowsEstimated != null ? { estimated_rows: String(scan.rowsEstimated) } : {}),
        ...data,
      },
      timestamp: Date.now(),
    });
    return { topic: notificationTopic(prefix), key: null, headers: {}, value };
  }
}
