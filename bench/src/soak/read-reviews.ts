import type { Knex } from 'knex';
import { FIRST_REVIEW_ID, hashBody, type ReviewRow } from './review-row.ts';

/** Something that runs SQL against the monolith's database. */
export interface SourceConnection {
  query<R extends Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<R[]>;
}

interface SourceReview extends Record<string, unknown> {
  readonly id: string;
  readonly product_id: string;
  readonly customer_id: string;
  readonly rating: number;
  readonly title: string;
  readonly body_hash: string;
  readonly status: 'published' | 'hidden';
  readonly helpful_count: number;
}

const SOURCE_COLUMNS = `id::text, product_id::text, customer_id::text, rating, title, md5(body) AS body_hash, status,
  helpful_count`;

function fromSource(row: SourceReview): ReviewRow {
  return {
    id: Number(row.id),
    productId: row.product_id,
    customerId: row.customer_id,
    rating: row.rating,
    title: row.title,
    bodyHash: row.body_hash,
    status: row.status,
    helpfulCount: row.helpful_count,
  };
}

/** The soak's reviews in the monolith's database: those named, or all. */
export async function readSourceReviews(
  connection: SourceConnection,
  ids: readonly number[] | null,
): Promise<Map<number, ReviewRow>> {
  const where = ids ? 'id = ANY($1::bigint[])' : 'id >= $1::bigint';
  const rows = await connection.query<SourceReview>(`SELECT ${SOURCE_COLUMNS} FROM reviews WHERE ${where}`, [
    ids ?? FIRST_REVIEW_ID,
  ]);
  return new Map(rows.map((row) => [Number(row.id), fromSource(row)]));
}

interface StoredReview {
  readonly review_id: string;
  readonly product: string;
  readonly author: string;
  readonly stars: number;
  readonly headline: string;
  readonly text: string;
  readonly visibility: string;
  readonly helpful: number;
}

/** The soak's reviews in the service's store, told as the monolith tells them. */
export async function readStoredReviews(store: Knex): Promise<Map<number, ReviewRow>> {
  const rows = await store.raw<StoredReview[]>(
    `SELECT CAST(review_id AS TEXT) AS review_id, CAST(product AS TEXT) AS product, CAST(author AS TEXT) AS author,
       stars, headline, text, visibility, helpful
     FROM review WHERE review_id >= ?`,
    [FIRST_REVIEW_ID],
  );
  return new Map(rows.map((row) => [Number(row.review_id), fromStore(row)]));
}

function fromStore(row: StoredReview): ReviewRow {
  return {
    id: Number(row.review_id),
    productId: row.product,
    customerId: row.author,
    rating: row.stars,
    title: row.headline,
    bodyHash: hashBody(row.text),
    status: row.visibility === 'hidden' ? 'hidden' : 'published',
    helpfulCount: row.helpful,
  };
}

/** Whether the service's store holds a review. */
export async function isStored(store: Knex, id: number): Promise<boolean> {
  return (await store.raw<unknown[]>('SELECT 1 FROM review WHERE review_id = ?', [id])).length > 0;
}
