/** What the published reviews of a product come to. */
export interface RatingSummary {
  /** 1.0 to 5.0, rounded half up to one decimal; null without reviews. */
  readonly average: number | null;
  readonly count: number;
}

/** From whole numbers, so that everyone who counts the same stars gets the same average. */
export function summarizeRatings(sum: number, count: number): RatingSummary {
  return { average: count === 0 ? null : Math.round((sum * 10) / count) / 10, count };
}

/** `4.2 out of 5 from 37 reviews`, `No reviews yet`. */
export function describeRatings({ average, count }: RatingSummary): string {
  if (average === null) return 'No reviews yet';
  return `${average.toFixed(1)} out of 5 from ${count} ${count === 1 ? 'review' : 'reviews'}`;
}

/** Five stars as text, filled to the nearest whole one: `★★★★☆`. */
export function starsText(rating: number): string {
  const filled = Math.min(5, Math.max(0, Math.round(rating)));
  return '★'.repeat(filled) + '☆'.repeat(5 - filled);
}
