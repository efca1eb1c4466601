/** Limits between which chunks are sized. */
export interface ChunkLimits {
  /** Most rows of a chunk. */
  readonly maxRows: number;
  /** A chunk that takes longer from its end in the WAL to the disk is halved, milliseconds. */
  readonly storeTargetMs: number;
}

/** Rows of a table's first chunk: how wide they are is not known yet. */
const FIRST_ROWS = 64;
const MIN_ROWS = 16;
/** Most text of a chunk, bytes: it is in memory as a whole, and changes that are streamed wait behind it. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * How many rows the next chunk of a table has. Doubles while the stream takes chunks in quickly, halves when one takes
 * too long (the stream is busy, the disk slow, the rows wide), so that what is streamed never waits long behind one.
 */
export class ChunkSize {
  readonly #limits: ChunkLimits;
  #rows: number;
  #byWidth = Infinity;

  constructor(limits: ChunkLimits) {
    this.#limits = limits;
    this.#rows = Math.min(FIRST_ROWS, limits.maxRows);
  }

  get rows(): number {
    return Math.max(1, Math.min(this.#rows, this.#byWidth));
  }

  /** A chunk was read: its rows say how wide the next ones may be. */
  read(rows: number, bytes: number): void {
    if (rows > 0 && bytes > 0) this.#byWidth = Math.max(1, Math.floor((MAX_BYTES * rows) / bytes));
  }

  /** @param rows Rows of the chunk, as this said when it was begun: two that were under way count once. */
  stored(rows: number, storeMs: number): void {
    const { maxRows, storeTargetMs } = this.#limits;
    const now = this.rows;
    if (storeMs > storeTargetMs && rows <= now) {
      this.#rows = Math.max(Math.min(MIN_ROWS, maxRows), now >> 1);
    } else if (storeMs < storeTargetMs / 2 && rows >= now) {
      this.#rows = Math.min(maxRows, this.#rows * 2);
    }
  }
}
