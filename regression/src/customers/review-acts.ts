import { ask, look, type Act, type Life, type Visit } from './life.ts';
import { showsText } from './shop-pages.ts';
import { inventReview } from './writing.ts';

/** Reviews the product looked at last. An account that has done so already is not used again. */
export const writeReview: Act = async (life, visit) => {
  const slug = visit.product;
  if (!visit.entered || slug === null) return;
  if (life.reviewed.has(slug)) {
    life.account = null;
    return;
  }
  const review = inventReview(life.random, slug);
  life.reviewed.add(slug);
  const send = () => visit.session.post(`/products/${slug}/reviews`, review);
  if (!(await ask(life, { kind: 'write-review', expected: [303], send }))) return;
  life.tally.count('reviewsWritten');
  visit.written = { slug, body: review.body };
};

interface OwnReviewCheck {
  readonly kind: 'own-review' | 'api-own-review';
  readonly pathOf: (slug: string) => string;
  readonly shows: (text: string, body: string) => boolean;
}

/**
 * Read-your-writes: the newest come first, so his own is on the first page, or on the second when others wrote
 * meanwhile. An answer that is an error says nothing about it, and is counted as an error already.
 */
async function findOwnReview(
  life: Life,
  visit: Visit,
  { kind, pathOf, shows }: OwnReviewCheck,
): Promise<void> {
  if (!visit.written) return;
  const { slug, body } = visit.written;
  for (const query of ['', '?page=2']) {
    const page = await look(life, visit, kind, pathOf(slug) + query);
    if (!page || shows(page.text, body)) return;
  }
  life.tally.staleRead(kind, `${pathOf(slug)} does not show "${body}"`);
}

/** Looks for his own review on the page. */
export const findOwnOnPage: Act = (life, visit) =>
  findOwnReview(life, visit, {
    kind: 'own-review',
    pathOf: (slug) => `/products/${slug}/reviews`,
    shows: showsText,
  });

/** Looks for his own review in the API's answer. */
export const findOwnInApi: Act = (life, visit) =>
  findOwnReview(life, visit, {
    kind: 'api-own-review',
    pathOf: (slug) => `/api/products/${slug}/reviews`,
    shows: (text, body) => text.includes(JSON.stringify(body)),
  });
