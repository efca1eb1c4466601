import type { StoreConnections } from '@banyan/service';
import type { Knex } from 'knex';
import type { StarCount } from './domain/ratings.ts';
import type { OwnReview, Product, Review } from './domain/review.ts';
import type { ReviewReads, ReviewStore } from './review-store.ts';

// Ids leave SQLite as text: the driver would make doubles of integers beyond 2^53.
const PRODUCT = `
  SELECT CAST(product_id AS TEXT) AS id, slug, name FROM product WHERE slug = ? ORDER BY product_id LIMIT 1`;

const STARS = 'SELECT stars, count FROM rating_histogram WHERE product = ?';

// CROSS JOIN fixes the order: reviews by their index, so that a page reads no more than it shows.
const NEWEST = `
  SELECT CAST(review.review_id AS TEXT) AS id, CAST(review.author AS TEXT) AS authorId,
         reviewer.name AS authorName, review.stars, review.headline, review.text, review.helpful,
         review.written_at AS writtenAt
    FROM review
    CROSS JOIN reviewer ON reviewer.reviewer_id = review.author
   WHERE review.product = ? AND review.visibility = 'visible'
   ORDER BY review.written_at DESC, review.review_id DESC
   LIMIT ? OFFSET ?`;

const OWN = `
  SELECT CAST(review_id AS TEXT) AS id, stars, headline, text
    FROM review WHERE author = ? AND product = ? ORDER BY review_id DESC LIMIT 1`;

function readsOn(transaction: Knex.Transaction): ReviewReads {
  const all = async <T>(sql: string, bindings: readonly (string | number)[]): Promise<T[]> =>
    (await transaction.raw<unknown>(sql, bindings)) as T[];
  return {
    findProduct: async (slug) => (await all<Product>(PRODUCT, [slug]))[0] ?? null,
    countStars: (productId) => all<StarCount>(STARS, [productId]),
    listReviews: ({ productId, limit, offset }) => all<Review>(NEWEST, [productId, limit, offset]),
    findOwnReview: async (productId, authorId) =>
      (await all<OwnReview>(OWN, [authorId, productId]))[0] ?? null,
  };
}

/** Reviews in SQLite. */
export function createSqliteReviewStore({ read }: Pick<StoreConnections, 'read'>): ReviewStore {
  return { read: (work) => read((transaction) => work(readsOn(transaction))) };
}
