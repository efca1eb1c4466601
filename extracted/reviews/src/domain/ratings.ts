/** How many visible reviews gave so many stars. */
export interface StarCount {
  /** 1 to 5. */
  readonly stars: number;
  readonly count: number;
}

/** What the visible reviews of a product come to. */
export interface Ratings {
  /** 1.0 to 5.0, rounded half up to one decimal; null without reviews. */
  readonly average: number | null;
  readonly count: number;
  /** Five entries, from 1 star to 5. */
  readonly histogram: readonly StarCount[];
}

const STARS = [1, 2, 3, 4, 5] as const;

/** @param counted star counts in any order; stars that nobody gave may be missing. */
export function summarizeStars(counted: readonly StarCount[]): Ratings {
  const histogram = STARS.map((stars) => ({
    stars,
    count: counted.find((entry) => entry.stars === stars)?.count ?? 0,
  }));
  const count = histogram.reduce((total, entry) => total + entry.count, 0);
  const sum = histogram.reduce((total, entry) => total + entry.stars * entry.count, 0);
  // Whole numbers up to the last step, so that everyone who counts the same stars gets the same average.
  return { average: count === 0 ? null : Math.round((sum * 10) / count) / 10, count, histogram };
}

/** `4.2 out of 5 from 37 reviews`, or `No reviews yet`. */
export function describeRatings({ average, count }: Pick<Ratings, 'average' | 'count'>): string {
  if (average === null) return 'No reviews yet';
  return `${average.toFixed(1)} out of 5 from ${count} ${count === 1 ? 'review' : 'reviews'}`;
}
