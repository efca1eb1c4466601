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

/** Counts one more reader whom a published review helped. Nobody helps himself. @throws ShopError `not-found`, `not-yours` */
export async function markHelpful({ Review }: ShopDatabase, reference: ReviewReference): Promise<number> {
  const { reviewId, productId, customerId } = reference;
  const review = await Review.findOne({ where: { id: reviewId, productId, status: 'published' } });
  if (!review) throw notFound('review');
  if (review.customerId === customerId) {
    throw new ShopError('not-yours', 'Your own review cannot be marked as helpful.');
  }
  // `silent`: being helpful does not make a review newer. The sum is the database's, so none is lost.
  await review.increment('helpfulCount', { silent: true });
  await review.reload();
  return review.helpfulCount;
}
