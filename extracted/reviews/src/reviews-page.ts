import { describeRatings } from './domain/ratings.ts';
import { toMilliseconds, type OwnReview, type Review } from './domain/review.ts';
import type { ReviewList } from './find-reviews.ts';

/** One review as the page shows it. */
interface ReviewView {
  readonly id: string;
  readonly headline: string;
  readonly text: string;
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

/** The review form. Whoever answers its address, shop or service, takes what it sends. */
interface ReviewForm {
  readonly heading: string;
  readonly action: string;
  readonly submit: string;
  /** Where "Delete my review" posts to; null for a new review. */
  readonly deleteAction: string | null;
  readonly values: { readonly rating: string; readonly title: string; readonly body: string };
}

/** Everything that `reviews.ejs` reads, beside the frame's. */
export interface ReviewsPage {
  readonly title: string;
  readonly product: { readonly slug: string; readonly name: string };
  readonly ratingText: string;
  readonly reviews: readonly ReviewView[];
  readonly paging: { readonly page: number; readonly pages: number };
  readonly path: string;
  /** null for a visitor, who sees a link to `signInPath` instead. */
  readonly form: ReviewForm | null;
  readonly signInPath: string;
}

const longDay = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' });

function helpfulText(count: number): string {
  if (count === 0) return '';
  return `${count === 1 ? '1 person' : `${count} people`} found this helpful`;
}

function reviewView(review: Review, helpfulAction: string | null): ReviewView {
  const { id, headline, text, authorName, stars, writtenAt, helpful } = review;
  return {
    id,
    headline,
    text,
    authorName,
    ratingText: `${stars} out of 5 stars`,
    stars: '★'.repeat(stars) + '☆'.repeat(5 - stars),
    day: longDay.format(new Date(writtenAt)),
    isoDay: toMilliseconds(writtenAt).slice(0, 10),
    helpfulText: helpfulText(helpful),
    helpfulAction,
  };
}

function reviewForm(path: string, own: OwnReview | null): ReviewForm {
  if (!own) {
    return {
      heading: 'Write a review',
      action: path,
      submit: 'Publish review',
      deleteAction: null,
      values: { rating: '', title: '', body: '' },
    };
  }
  return {
    heading: 'Your review',
    action: `${path}/${own.id}/edit`,
    submit: 'Save changes',
    deleteAction: `${path}/${own.id}/delete`,
    values: { rating: String(own.stars), title: own.headline, body: own.text },
  };
}

/** The review list page from plain facts. @param readerId who looks; null for a visitor */
export function reviewsPage(list: ReviewList, readerId: string | null): ReviewsPage {
  const { slug, name } = list.product;
  const path = `/products/${slug}/reviews`;
  // Nobody finds his own review helpful, and a visitor signs in first.
  const helpfulAction = ({ id, authorId }: Review): string | null =>
    readerId === null || readerId === authorId ? null : `${path}/${id}/helpful`;
  return {
    title: `Reviews of ${name}`,
    product: { slug, name },
    ratingText: describeRatings(list.ratings),
    reviews: list.reviews.map((review) => reviewView(review, helpfulAction(review))),
    paging: { page: list.paging.page, pages: list.paging.pages },
    path,
    form: readerId === null ? null : reviewForm(path, list.ownReview),
    signInPath: `/sign-in?next=${encodeURIComponent(path)}`,
  };
}
