import { formatDay } from '../web/format.ts';
import type { Paging } from '../web/paging.ts';
import type { FieldErrors } from '../web/shop-error.ts';
import { describeRatings, starsText, type RatingSummary } from './rating-summary.ts';
import type { ListedReview, ReviewedProduct } from './review-queries.ts';

/** One review as a page shows it. */
export interface ReviewView {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly authorName: string;
  /** `4 out of 5 stars` */
  readonly ratingText: string;
  /** `★★★★☆` */
  readonly stars: string;
  /** `3 March 2026` (UTC) */
  readonly day: string;
  /** `2026-03-03` (UTC) */
  readonly isoDay: string;
  /** `1 person found this helpful`, or '' */
  readonly helpfulText: string;
  /** Where the "helpful" button posts to; null where there is none. */
  readonly helpfulAction: string | null;
}

/** What the review form holds and shows. */
export interface ReviewForm {
  readonly heading: string;
  readonly action: string;
  readonly submit: string;
  /** Where "Delete my review" posts to; null for a new review. */
  readonly deleteAction: string | null;
  readonly values: ReviewFormValues;
  readonly errors: FieldErrors;
}

export interface ReviewFormValues {
  readonly rating: string;
  readonly title: string;
  readonly body: string;
}

/** Everything that `reviews.ejs` reads, beside the frame's. */
export interface ReviewsPage {
  readonly title: string;
  readonly product: { readonly slug: string; readonly name: string };
  readonly ratingText: string;
  readonly reviews: readonly ReviewView[];
  readonly paging: Pick<Paging, 'page' | 'pages'>;
  readonly path: string;
  /** null for a visitor, who sees a link to `signInPath` instead. */
  readonly form: ReviewForm | null;
  readonly signInPath: string;
}

export interface ReviewsPageInput {
  readonly product: Pick<ReviewedProduct, 'slug' | 'name'>;
  readonly summary: RatingSummary;
  readonly reviews: readonly ListedReview[];
  readonly paging: Pick<Paging, 'page' | 'pages'>;
  /** Who looks; null for a visitor. */
  readonly customerId: string | null;
  /** His own review of this product, if he has written one. */
  readonly ownReview: {
    readonly id: string;
    readonly rating: number;
    readonly title: string;
    readonly body: string;
  } | null;
  /** A form that was sent and refused, to be shown again. */
  readonly refused?: { readonly values: ReviewFormValues; readonly errors: FieldErrors };
}

const EMPTY: ReviewFormValues = { rating: '', title: '', body: '' };

/** Address of a product's review list. */
export const reviewsPath = (slug: string): string => `/products/${slug}/reviews`;

/** @param helpfulAction where the "helpful" button posts to; null shows none. */
export function reviewView(review: ListedReview, helpfulAction: string | null): ReviewView {
  const { id, title, body, authorName, rating, createdAt, helpfulCount } = review;
  const people = helpfulCount === 1 ? '1 person' : `${helpfulCount} people`;
  return {
    id,
    title,
    body,
    authorName,
    ratingText: `${rating} out of 5 stars`,
    stars: starsText(rating),
    day: formatDay(createdAt),
    isoDay: createdAt.toISOString().slice(0, 10),
    helpfulText: helpfulCount > 0 ? `${people} found this helpful` : '',
    helpfulAction,
  };
}

function reviewForm({ product, ownReview, refused }: ReviewsPageInput): ReviewForm {
  const path = reviewsPath(product.slug);
  const errors = refused?.errors ?? {};
  if (!ownReview) {
    return {
      heading: 'Write a review',
      action: path,
      submit: 'Publish review',
      deleteAction: null,
      values: refused?.values ?? EMPTY,
      errors,
    };
  }
  const { id, rating, title, body } = ownReview;
  return {
    heading: 'Your review',
    action: `${path}/${id}/edit`,
    submit: 'Save changes',
    deleteAction: `${path}/${id}/delete`,
    values: refused?.values ?? { rating: String(rating), title, body },
    errors,
  };
}

/** The review list page from plain facts: no database, no request, the same answer for the same input. */
export function reviewsPage(input: ReviewsPageInput): ReviewsPage {
  const { product, summary, reviews, customerId } = input;
  const path = reviewsPath(product.slug);
  const helpful = ({ id, customerId: author }: ListedReview) =>
    customerId === null || customerId === author ? null : `${path}/${id}/helpful`;
  return {
    title: `Reviews of ${product.name}`,
    product: { slug: product.slug, name: product.name },
    ratingText: describeRatings(summary),
    reviews: reviews.map((review) => reviewView(review, helpful(review))),
    paging: { page: input.paging.page, pages: input.paging.pages },
    path,
    form: customerId === null ? null : reviewForm(input),
    signInPath: `/sign-in?next=${encodeURIComponent(path)}`,
  };
}
