/** A product as far as reviews know it. `id` is a decimal string. */
export interface Product {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

/** What a customer wrote of a product. Ids are decimal strings; `stars` is 1 to 5. */
export interface Review {
  readonly id: string;
  readonly authorId: string;
  readonly authorName: string;
  readonly stars: number;
  readonly headline: string;
  readonly text: string;
  /** How many readers it helped. */
  readonly helpful: number;
  /** ISO 8601 in UTC with microseconds, e.g. `2026-01-02T03:04:05.678901Z`. */
  readonly writtenAt: string;
}

/** Somebody's own review as his form shows it, hidden or not. */
export type OwnReview = Pick<Review, 'id' | 'stars' | 'headline' | 'text'>;

/** `2026-01-02T03:04:05.678Z`: the microseconds cut off, not rounded. */
export const toMilliseconds = (moment: string): string => new Date(moment).toISOString();
