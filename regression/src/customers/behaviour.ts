import type { Random } from './random.ts';

/** One thing that a customer does; `own-review` and `api-own-review` look for what he wrote himself. */
export type Step =
  | 'home'
  | 'category'
  | 'product'
  | 'reviews'
  | 'reviews-next-page'
  | 'api-product'
  | 'api-reviews'
  | 'enter'
  | 'add-to-cart'
  | 'cart'
  | 'checkout'
  | 'orders'
  | 'write-review'
  | 'own-review'
  | 'api-own-review'
  | 'leave';

/** How visits are made up; each is a share, 0 to 1. */
export interface Habits {
  /** Of all visits: he signs in, or up when he has no account. Default 0.5. */
  readonly entering: number;
  /** Of visits signed in: he buys. Default 0.5. */
  readonly buying: number;
  /** Of visits signed in: he writes a review. Default 0.6. */
  readonly reviewing: number;
}

export const defaultHabits: Habits = { entering: 0.5, buying: 0.5, reviewing: 0.6 };

/** Looks at a few things as people do: a product, and mostly what others think of it. */
function browse(random: Random): Step[] {
  return Array.from({ length: random.between(1, 3) }, () => {
    const look: Step[] = ['product'];
    if (random.chance(0.8)) look.push('reviews');
    if (random.chance(0.3)) look.push('reviews-next-page');
    if (random.chance(0.4)) look.push('api-reviews');
    if (random.chance(0.2)) look.push('api-product');
    return look;
  }).flat();
}

/**
 * What a customer does in one visit, from a fresh browser to leaving it. A written review is looked for at once,
 * on the page and in the API, and once more after looking at other things.
 */
export function planVisit(random: Random, habits: Habits = defaultHabits): readonly Step[] {
  const visit: Step[] = ['home', 'category', ...browse(random)];
  if (!random.chance(habits.entering)) return visit;
  visit.push('enter');
  if (random.chance(habits.buying)) visit.push('product', 'add-to-cart', 'cart', 'checkout', 'orders');
  if (random.chance(habits.reviewing)) {
    visit.push('product', 'reviews', 'write-review', 'own-review', 'api-own-review');
    visit.push(...browse(random), 'own-review');
  }
  if (random.chance(0.5)) visit.push('leave');
  return visit;
}
