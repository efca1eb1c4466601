import { enter, leave } from './account-acts.ts';
import { defaultHabits, planVisit, type Habits, type Step } from './behaviour.ts';
import type { BrowserSession } from './browser-session.ts';
import { addToCart, checkout, seeOrders } from './buying-acts.ts';
import { beginVisit, look, type Act, type Life } from './life.ts';
import type { Random } from './random.ts';
import { findOwnInApi, findOwnOnPage, writeReview } from './review-acts.ts';
import type { Tally } from './tally.ts';

/** What a customer needs to live. */
export interface CustomerOptions {
  /** Told apart from all others of the shop: letters, digits and `-`. */
  readonly mark: string;
  readonly random: Random;
  readonly habits?: Habits;
  readonly tally: Tally;
  /** A fresh browser for each visit. */
  readonly openSession: () => BrowserSession;
  /** Thinks for a moment before the next step; rejects when he is to stop. */
  readonly pause: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** Reviews after which a customer makes a new account, as this one has said enough. */
const REVIEWS_PER_ACCOUNT = 8;

/** Looks at something of the product looked at last. */
const lookAt =
  (kind: Step, pathOf: (slug: string) => string): Act =>
  async (life, visit) => {
    if (visit.product !== null) await look(life, visit, kind, pathOf(visit.product));
  };

/** Opens a page that is there for everyone. */
const open =
  (kind: Step, path: string): Act =>
  async (life, visit) => {
    await look(life, visit, kind, path);
  };

const lookAtCategory: Act = async (life, visit) => {
  if (visit.categories.size === 0) return;
  await look(life, visit, 'category', `/categories/${life.random.pick([...visit.categories])}`);
};

const lookAtProduct: Act = async (life, visit) => {
  if (visit.products.size === 0) return;
  visit.product = life.random.pick([...visit.products]);
  await look(life, visit, 'product', `/products/${visit.product}`);
};

const acts: Readonly<Record<Step, Act>> = {
  home: open('home', '/'),
  category: lookAtCategory,
  product: lookAtProduct,
  reviews: lookAt('reviews', (slug) => `/products/${slug}/reviews`),
  'reviews-next-page': lookAt('reviews-next-page', (slug) => `/products/${slug}/reviews?page=2`),
  'api-product': lookAt('api-product', (slug) => `/api/products/${slug}`),
  'api-reviews': lookAt('api-reviews', (slug) => `/api/products/${slug}/reviews`),
  enter,
  'add-to-cart': addToCart,
  cart: open('cart', '/cart'),
  checkout,
  orders: seeOrders,
  'write-review': writeReview,
  'own-review': findOwnOnPage,
  'api-own-review': findOwnInApi,
  leave,
};

/** One customer, who visits the shop again and again and is not put off by failures. */
export function createCustomer(options: CustomerOptions): { visit(): Promise<void> } {
  const { mark, random, tally, signal, openSession, pause, habits = defaultHabits } = options;
  const reviewed = new Set<string>();
  const life: Life = {
    mark,
    random,
    tally,
    signal,
    account: null,
    accountsMade: 0,
    reviewed,
  };
  return {
    /** One visit from a fresh browser to leaving it. Rejects only when he is to stop. */
    async visit() {
      if (reviewed.size >= REVIEWS_PER_ACCOUNT) life.account = null;
      tally.count('visits');
      const visit = beginVisit(openSession());
      for (const step of planVisit(random, habits)) {
        await pause();
        await acts[step](life, visit);
      }
    },
  };
}
