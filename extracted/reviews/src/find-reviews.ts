import { found, paginate, Refusal, type PageRequest, type Paging } from '@banyan/service';
import { summarizeStars, type Ratings } from './domain/ratings.ts';
import type { OwnReview, Product, Review } from './domain/review.ts';
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

/** What readers ask of reviews. Both throw Refusal `not-found` for a product that is not known (yet). */
export interface FindReviews {
  /** @param query.readerId whose own review to add; null for nobody's. */
  list(query: {
    readonly slug: string;
    readonly asked: PageRequest;
    readonly readerId: string | null;
  }): Promise<ReviewList>;
  ratings(slug: string): Promise<{ readonly product: Product; readonly ratings: Ratings }>;
}

const NO_PRODUCT = 'There is no such product.';
const SLUG = /^[a-z0-9-]{1,120}$/;

async function requireProduct(reads: ReviewReads, slug: string): Promise<Product> {
  if (!SLUG.test(slug)) throw new Refusal('not-found', NO_PRODUCT); // it can be none's
  return found(await reads.findProduct(slug), NO_PRODUCT);
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
