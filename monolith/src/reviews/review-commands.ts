import { UniqueConstraintError } from 'sequelize';
import type { ShopDatabase } from '../database/open-database.ts';
import { notFound, ShopError } from '../web/shop-error.ts';
import type { ReviewInput } from './review-input.ts';
import type { Review } from './review.ts';

/** Names one review for a command. */
export interface ReviewReference {
  readonly productId: string;
  readonly reviewId: string;
  readonly customerId: string;
}

/** Writes a customer's review. @throws ShopError `already-reviewed` */
export async function addReview(
  { Review }: ShopDatabase,
  { productId, customerId, input }: { productId: string; customerId: string; input: ReviewInput },
): Promise<Review> {
  try {
    return await Review.create({ productId, customerId, ...input });
  } catch (error) {
    if (error instanceof UniqueConstraintError) {
      throw new ShopError('already-reviewed', 'You have reviewed this product already.');
    }
    throw error;
  }
}

async function requireOwn({ Review }: ShopDatabase, reference: ReviewReference): Promise<Review> {
  const { reviewId, productId, customerId } = reference;
  const review = await Review.findOne({ where: { id: reviewId, productId } });
  if (!review) throw notFound('review');
  if (review.customerId !== customerId) throw new ShopError('not-yours', 'This is not your review.');
  return review;
}

/** Changes a customer's own review. @throws ShopError `not-found`, `not-yours` */
export async function changeReview(
  database: ShopDatabase,
  reference: ReviewReference,
  input: ReviewInput,
): Promise<void> {
  const review = await requireOwn(database, reference);
  await review.update(input);
}

/** Removes a customer's own review. @throws ShopError `not-found`, `not-yours` */
export async function removeReview(database: ShopDatabase, reference: ReviewReference): Promise<void> {
  const review = await requireOwn(database, reference);
  await review.destroy();
}

/** Counts a customer whom a published review helped, once. Nobody helps himself. @throws ShopError `not-found`, `not-yours` */
export async function markHelpful(database: ShopDatabase, reference: ReviewReference): Promise<void> {
  const { reviewId, productId, customerId } = reference;
  const review = await database.Review.findOne({ where: { id: reviewId, productId, status: 'published' } });
  if (!review) throw notFound('review');
  if (review.customerId === customerId) {
    throw new ShopError('not-yours', 'Your own review cannot be marked as helpful.');
  }
  // One statement: who asks twice at once is counted once. Being helpful does not make a review newer.
  await database.sequelize.query(
    `WITH marked AS (
       INSERT INTO review_helpful (review_id, customer_id) VALUES (:reviewId, :customerId)
       ON CONFLICT DO NOTHING RETURNING review_id
     )
     UPDATE reviews SET helpful_count = helpful_count + 1 WHERE id IN (SELECT review_id FROM marked)`,
    { replacements: { reviewId, customerId } },
  );
}
