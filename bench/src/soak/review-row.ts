import { createHash } from 'node:crypto';

/** Ids of the soak's own reviews start here: beyond int4, and apart from those that the shop gives. */
export const FIRST_REVIEW_ID = 5_000_000_000;

/** A review as the soak knows it: the body by its hash, since some are large. */
export interface ReviewRow {
  readonly id: number;
  readonly productId: string;
  readonly customerId: string;
  readonly rating: number;
  readonly title: string;
  readonly bodyHash: string;
  readonly status: 'published' | 'hidden';
  readonly helpfulCount: number;
}

export function hashBody(body: string): string {
  return createHash('md5').update(body).digest('hex'); // as PostgreSQL's md5(): to compare, not to protect
}

/** All fields as one text, for `compareCopies`. */
export function reviewText(row: ReviewRow): string {
  const { id, productId, customerId, rating, title, bodyHash, status, helpfulCount } = row;
  return JSON.stringify([id, productId, customerId, rating, title, bodyHash, status, helpfulCount]);
}
