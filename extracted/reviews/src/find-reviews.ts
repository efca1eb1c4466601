import { paginate, type PageRequest, type Paging } from './domain/paging.ts';
import { summarizeStars, type Ratings } from './domain/ratings.ts';
import type { OwnReview, Product, Review } from './domain/review.ts';
import { ReviewsError } from './domain/reviews-error.ts';
import type { ReviewReads, ReviewStore } from './review-store.ts';

/** A page of a product's reviews, with what all of them come to. */
export interface ReviewList {
  readonly product: Product;
  readonly ratings: Ratings;
  readonly paging: Paging;
  readonly reviews: readonly Review[];
  /** The reader's own review; null when he has none or is not known. */
  readonly ownReview: OwnReview | null;
}

/** What readers ask of reviews. Both throw ReviewsError `not-found` for a product that is not known (yet). */
export interface FindReviews {
  /** @param query.readerId whose own review to add; null for nobody's. */
  list(query: {
    readonly slug: string;
    readonly asked: PageRequest;
    readonly readerId: string | null;
  }): Promise<ReviewList>;
  ratings(slug: string): Promise<{ readonly product: Product; readonly ratings: Ratings }>;
}

async function requireProduct(reads: ReviewReads, slug: string): Promise<Product> {
  const product = await reads.findProduct(slug);
  if (!product) throw new ReviewsError('not-found', 'There is no such product.');
  return product;
}

/** The questions, on this store. */
export function createFindReviews(store: ReviewStore): FindReviews {
  return {
    list: ({ slug, asked, readerId }) =>
      store.read(async (reads) => {
        const product = await requireProduct(reads, slug);
        const ratings = summarizeStars(await reads.countStars(product.id));
        const paging = paginate(asked, ratings.count);
        const { perPage: limit, offset } = paging;
        const reviews = await reads.listReviews({ productId: product.id, limit, offset });
        const ownReview = readerId === null ? null : await reads.findOwnReview(product.id, readerId);
        return { product, ratings, paging, reviews, ownReview };
      }),
    ratings: (slug) =>
      store.read(async (reads) => {
        const product = await requireProduct(reads, slug);
        return { product, ratings: summarizeStars(await reads.countStars(product.id)) };
      }),
  };
}
