import { QueryTypes } from 'sequelize';
import type { ShopDatabase } from '../database/open-database.ts';
import { summarizeRatings, type RatingSummary } from './rating-summary.ts';

/** A published review with its author's name, by a join. Ids are decimal strings. */
export interface ListedReview {
  readonly id: string;
  readonly customerId: string;
  readonly rating: number;
  readonly title: string;
  readonly body: string;
  readonly authorName: string;
  readonly helpfulCount: number;
  readonly createdAt: Date;
}

/** What the review list needs to know of a product. */
export interface ReviewedProduct {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

export interface ReviewListQuery {
  readonly productId: string;
  readonly limit: number;
  readonly offset: number;
}

const LISTED = `
  SELECT r.id, r.customer_id AS "customerId", r.rating, r.title, r.body, c.display_name AS "authorName",
         r.helpful_count AS "helpfulCount", r.created_at AS "createdAt"
    FROM reviews r
    JOIN customers c ON c.id = r.customer_id`;

/** Published reviews of a product: newest first, the higher id first of the same moment. */
export function listReviews(
  { sequelize }: ShopDatabase,
  { productId, limit, offset }: ReviewListQuery,
): Promise<ListedReview[]> {
  return sequelize.query<ListedReview>(
    `${LISTED} WHERE r.product_id = :productId AND r.status = 'published'
      ORDER BY r.created_at DESC, r.id DESC LIMIT :limit OFFSET :offset`,
    { replacements: { productId, limit, offset }, type: QueryTypes.SELECT },
  );
}

/** The newest few, for the product's own page. */
export const latestReviews = (database: ShopDatabase, productId: string, limit: number) =>
  listReviews(database, { productId, limit, offset: 0 });

/** Count and average of a product's published reviews. */
export async function summarizeReviews(
  { sequelize }: ShopDatabase,
  productId: string,
): Promise<RatingSummary> {
  const rows = await sequelize.query<{ sum: number; count: number }>(
    `SELECT coalesce(sum(rating), 0)::int AS sum, count(*)::int AS count
       FROM reviews WHERE product_id = :productId AND status = 'published'`,
    { replacements: { productId }, type: QueryTypes.SELECT },
  );
  return summarizeRatings(rows[0]?.sum ?? 0, rows[0]?.count ?? 0);
}

/** The customer's own review of a product, whatever its status, or null. */
export const findOwnReview = ({ Review }: ShopDatabase, productId: string, customerId: string) =>
  Review.findOne({ where: { productId, customerId } });

/** One review with its author's name, whatever its status, or null. */
export async function findListedReview(
  { sequelize }: ShopDatabase,
  id: string,
): Promise<ListedReview | null> {
  const rows = await sequelize.query<ListedReview>(`${LISTED} WHERE r.id = :id`, {
    replacements: { id },
    type: QueryTypes.SELECT,
  });
  return rows[0] ?? null;
}
