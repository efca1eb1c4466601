import type { Random } from '../random.ts';
import {
  REVIEW_AFTERTHOUGHTS,
  REVIEW_BODIES,
  REVIEW_BODIES_OF,
  REVIEW_TITLES,
  type ProductSort,
} from './review-words.ts';

/** A review to be stored; product and customer by their index. */
export interface SeedReview {
  readonly productIndex: number;
  readonly customerIndex: number;
  readonly rating: number;
  readonly title: string;
  readonly body: string;
  readonly status: 'published' | 'hidden';
  readonly helpfulCount: number;
}

/** Most people are pleased, some products please less. */
function rate(random: Random, quality: number): number {
  const sample = quality + (random.next() + random.next() + random.next() - 1.5) * 2;
  return Math.min(5, Math.max(1, Math.round(sample)));
}

/** What fits the product, among what fits all. */
function bodiesFor(sort: ProductSort, rating: number): readonly string[] {
  return [...(REVIEW_BODIES[rating - 1] ?? []), ...(REVIEW_BODIES_OF[sort][rating - 1] ?? [])];
}

/**
 * At most one review of a customer and product; some products are reviewed much more than others.
 * Gives `count` reviews, or as many as there are pairs if that is less.
 */
export function makeReviews(
  random: Random,
  reviewed: { readonly sorts: readonly ProductSort[]; readonly customers: number; readonly count: number },
): SeedReview[] {
  const { sorts, customers, count } = reviewed;
  const products = sorts.length;
  const quality = Array.from({ length: products }, () => 3.4 + random.next() * 1.4);
  const taken = new Set<number>();
  const wanted = Math.min(count, products * customers);
  return Array.from({ length: wanted }, () => {
    let productIndex = Math.floor(random.next() ** 1.4 * products);
    let customerIndex = random.int(0, customers - 1);
    // Linear probing: where that customer has spoken already, the next pair is taken.
    while (taken.has(productIndex * customers + customerIndex)) {
      customerIndex = (customerIndex + 1) % customers;
      if (customerIndex === 0) productIndex = (productIndex + 1) % products;
    }
    taken.add(productIndex * customers + customerIndex);
    const rating = rate(random, quality[productIndex] ?? 4);
    const body = random.pick(bodiesFor(sorts[productIndex] ?? 'furniture', rating));
    // Praise after a complaint would sound odd.
    const isPleased = rating >= 4;
    return {
      productIndex,
      customerIndex,
      rating,
      title: random.pick(REVIEW_TITLES[rating - 1] ?? []),
      body: isPleased && random.chance(0.4) ? `${body} ${random.pick(REVIEW_AFTERTHOUGHTS)}` : body,
      status: random.chance(0.02) ? 'hidden' : 'published',
      helpfulCount: random.chance(0.3) ? random.int(1, 14) : 0,
    };
  });
}
