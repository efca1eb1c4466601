import type { Random } from './random.ts';
import { FIRST_REVIEW_ID, hashBody, type ReviewRow } from './review-row.ts';

/** One statement of a transaction, and the rows it leaves: null for one that is gone. */
export interface PlannedChange {
  readonly sql: string;
  readonly values: readonly unknown[];
  readonly rows: ReadonlyMap<number, ReviewRow | null>;
  readonly isInsert: boolean;
}

/** What kinds of changes there are, and how often each of them comes. */
const actWeights = { insert: 34, touch: 22, rewrite: 14, hide: 8, move: 10, remove: 12 } as const;
type Act = keyof typeof actWeights;
const acts = Object.entries(actWeights).flatMap(([act, weight]) => Array<Act>(weight).fill(act as Act));

/** More live reviews than this are not written: then only other changes come. */
const MAX_LIVE = 4_000;
/** Beyond about 2 kB PostgreSQL stores a value that does not compress out of line. */
const LARGE_BODY_BYTES = { from: 3_000, to: 20_000 } as const;
const LARGE_SHARE = 0.15;

/** The reviews that the soak has written: what must be there, and what to change next. */
export class WrittenReviews {
  readonly #random: Random;
  readonly #live = new Map<number, ReviewRow>();
  /** Product and customer of reviews that may be written: a customer reviews a product once. */
  readonly #free: (readonly [productId: string, customerId: string])[] = [];
  #nextId = FIRST_REVIEW_ID;
  #probeId = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get live(): ReadonlyMap<number, ReviewRow> {
    return this.#live;
  }

  /** Says whom and what reviews may be of. */
  allow(productIds: readonly string[], customerIds: readonly string[]): void {
    for (const customerId of customerIds) {
      for (const productId of productIds) this.#free.push([productId, customerId]);
    }
  }

  /** What came to be is what must be there from now on. */
  settle(rows: ReadonlyMap<number, ReviewRow | null>): void {
    const removed: ReviewRow[] = [];
    for (const [id, row] of rows) {
      const old = this.#live.get(id);
      if (old && !row) removed.push(old);
      if (row) this.#live.set(id, row);
      else this.#live.delete(id);
    }
    const kept = [...rows.values()].filter((row) => row !== null);
    for (const { productId, customerId } of removed) {
      const isMoved = kept.some((row) => row.productId === productId && row.customerId === customerId);
      if (!isMoved) this.#free.unshift([productId, customerId]);
    }
  }

  /** The transaction did not come to be: what it would have inserted may be written by another one. */
  giveBack(changes: readonly PlannedChange[]): void {
    for (const { rows } of changes.filter(({ isInsert }) => isInsert)) {
      for (const row of rows.values()) if (row) this.#free.unshift([row.productId, row.customerId]);
    }
  }

  /** Changes of one transaction; each row is changed once at most. */
  plan(changes: number): PlannedChange[] {
    const touched = new Set<number>();
    return Array.from({ length: changes }, () => {
      const change = this.#planOne(touched);
      for (const id of change.rows.keys()) touched.add(id);
      return change;
    });
  }

  /** A new review with a small body, left alone until the next one: somebody waits to see it in the copy. */
  planProbe(): PlannedChange {
    this.#probeId = this.#nextId;
    return this.#insert(this.#body(false));
  }

  #planOne(touched: ReadonlySet<number>): PlannedChange {
    const act = this.#random.pick(acts);
    const old = this.#anyLive(touched);
    if (!old || (act === 'insert' && this.#live.size < MAX_LIVE)) return this.#insert(this.#body());
    switch (act) {
      case 'insert':
      case 'touch': // leaves a large body unchanged, and so out of the WAL
        return this.#update(old, 'helpful_count = helpful_count + 1', [], {
          helpfulCount: old.helpfulCount + 1,
        });
      case 'rewrite': {
        const body = this.#body();
        return this.#update(old, 'body = $2', [body], { bodyHash: hashBody(body) });
      }
      case 'hide': {
        const status = old.status === 'hidden' ? 'published' : 'hidden';
        return this.#update(old, 'status = $2', [status], { status });
      }
      case 'move':
        return this.#move(old);
      case 'remove':
        return {
          sql: 'DELETE FROM reviews WHERE id = $1',
          values: [old.id],
          rows: new Map([[old.id, null]]),
          isInsert: false,
        };
    }
  }

  #anyLive(touched: ReadonlySet<number>): ReviewRow | null {
    if (this.#live.size === 0) return null;
    // Any place from which the first row that is not part of the transaction yet is taken.
    const start = this.#random.between(0, this.#live.size - 1);
    let index = 0;
    for (const row of this.#live.values()) {
      if (index >= start && !touched.has(row.id) && row.id !== this.#probeId) return row;
      index += 1;
    }
    return null;
  }

  #insert(body: string): PlannedChange {
    const [productId, customerId] = this.#free.pop() ?? [];
    if (productId === undefined || customerId === undefined) {
      throw new Error('The soak has no product left that one of its customers may review.');
    }
    const id = this.#nextId;
    this.#nextId += 1;
    const row: ReviewRow = {
      id,
      productId,
      customerId,
      rating: this.#random.between(1, 5),
      title: `Soak ${id}`,
      bodyHash: hashBody(body),
      status: 'published',
      helpfulCount: 0,
    };
    return {
      // Old ones: they do not push a customer's own review off the first page, where he looks for it.
      sql: `INSERT INTO reviews (id, product_id, customer_id, rating, title, body, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, now() - interval '30 days')`,
      values: [id, productId, customerId, row.rating, row.title, body],
      rows: new Map([[id, row]]),
      isInsert: true,
    };
  }

  #update(
    old: ReviewRow,
    assignment: string,
    values: readonly unknown[],
    changed: Partial<ReviewRow>,
  ): PlannedChange {
    return {
      sql: `UPDATE reviews SET ${assignment}, updated_at = now() WHERE id = $1`,
      values: [old.id, ...values],
      rows: new Map([[old.id, { ...old, ...changed }]]),
      isInsert: false,
    };
  }

  /** A changed primary key. */
  #move(old: ReviewRow): PlannedChange {
    const id = this.#nextId;
    this.#nextId += 1;
    return {
      sql: 'UPDATE reviews SET id = $2 WHERE id = $1',
      values: [old.id, id],
      rows: new Map([
        [old.id, null],
        [id, { ...old, id }],
      ]),
      isInsert: false,
    };
  }

  #body(isLarge = this.#random.next() < LARGE_SHARE): string {
    if (!isLarge) return `Sturdy, and it came in time (${this.#random.between(1, 1_000_000)}).`;
    const bytes = this.#random.between(LARGE_BODY_BYTES.from, LARGE_BODY_BYTES.to);
    let body = '';
    while (body.length < bytes) body += this.#random.next().toString(36).slice(2);
    return body;
  }
}
