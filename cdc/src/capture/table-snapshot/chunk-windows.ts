import { isVisible, type StreamedTransactions } from '../postgres/transaction-visibility.ts';
import { touchedKeys, type RowChange } from '../wal/row-change.ts';
import type { ReadChunk, SnapshotWork, StepOutcome } from './snapshot-work.ts';

/** What was touched between the watermarks. */
interface Window {
  /** Transactions streamed before the low watermark: the chunk must have seen them all. */
  readonly streamedBefore: readonly number[];
  readonly keys: Set<string>;
  truncated: boolean;
}

/** Rows on their way between two watermarks. */
export interface Chunk {
  readonly id: string;
  readonly work: SnapshotWork;
  readonly table: string;
  content: ReadChunk | null;
  window: Window | null;
  /** When its high watermark was written, milliseconds since the epoch; 0 before. */
  highAtMs: number;
}

/**
 * The stream's side of the window rule (DBLog): rows that the stream touched between a chunk's two watermarks are
 * dropped, since the stream has them as new or newer. What is left is no older than the stream at the high watermark,
 * because every transaction that was streamed before the low one must be visible to the read.
 */
export class ChunkWindows {
  readonly #transactions: () => StreamedTransactions;
  readonly #chunks = new Map<string, Chunk>();

  constructor(transactions: () => StreamedTransactions) {
    this.#transactions = transactions;
  }

  /** Chunks under way. */
  get size(): number {
    return this.#chunks.size;
  }

  /** From here on the chunk's watermarks mean something. */
  open(chunk: Chunk): void {
    this.#chunks.set(chunk.id, chunk);
  }

  has(chunk: Chunk): boolean {
    return this.#chunks.get(chunk.id) === chunk;
  }

  /** Forgets a work's chunks: their watermarks, should they still come, are nobody's. */
  drop(work: SnapshotWork): void {
    for (const chunk of this.#chunks.values()) {
      if (chunk.work === work) this.#chunks.delete(chunk.id);
    }
  }

  clear(): void {
    this.#chunks.clear();
  }

  /** The stream has a change. */
  note(change: RowChange): void {
    let keys: readonly string[] | null = null;
    for (const { table, window } of this.#chunks.values()) {
      if (!window || table !== change.table.name) continue;
      if (change.kind === 'truncate') window.truncated = true;
      keys ??= touchedKeys(change);
      for (const key of keys) window.keys.add(key);
    }
  }

  /** The stream passes a low watermark. */
  passLow(id: string): void {
    const chunk = this.#chunks.get(id);
    if (!chunk) return;
    const streamedBefore = this.#transactions().list();
    chunk.window = { streamedBefore, keys: new Set(), truncated: false };
  }

  /** The stream passes a high watermark. Null for a chunk of nobody; without an outcome it has to be read again. */
  passHigh(id: string): { readonly chunk: Chunk; readonly outcome: StepOutcome | null } | null {
    const chunk = this.#chunks.get(id);
    if (!chunk) return null;
    this.#chunks.delete(id);
    const { content, window } = chunk;
    if (!content || !window) return { chunk, outcome: null };
    const { snapshot } = content;
    if (snapshot) {
      if (!window.streamedBefore.every((xid) => isVisible(xid, snapshot))) return { chunk, outcome: null };
      this.#transactions().forgetVisible(snapshot);
    }
    return { chunk, outcome: content.take(window) };
  }
}
