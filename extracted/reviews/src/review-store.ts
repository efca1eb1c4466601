import type { StarCount } from './domain/ratings.ts';
import type { OwnReview, Product, Review } from './domain/review.ts';

/** Reads of one moment: all of them see the same state of the store. */
export interface ReviewReads {
  findProduct(slug: string): Promise<Product | null>;
  /** Visible reviews by stars; stars that nobody gave may be missing. */
  countStars(productId: string): Promise<readonly StarCount[]>;
  /**
   * Visible reviews, newest first, the higher id first of the same moment. A review whose author the copy does
   * not hold yet is left out.
   */
  listReviews(query: {
    readonly productId: string;
    readonly limit: number;
    readonly offset: number;
  }): Promise<readonly Review[]>;
  /** The author's review of the product, hidden or not. */
  findOwnReview(productId: string, authorId: string): Promise<OwnReview | null>;
}

/** Where reviews are kept. Only the copy's consumer writes there. */
export interface ReviewStore {
  /** Runs `work` on one moment's state, also while a batch is being applied. */
  read<T>(work: (reads: ReviewReads) => Promise<T>): Promise<T>;
}
