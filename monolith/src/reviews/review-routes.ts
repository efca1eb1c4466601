import { Router, type Request, type Response } from 'express';
import { requireProduct } from '../catalog/catalog-routes.ts';
import { pageNeedsCustomer, requireSignedIn, signedIn } from '../customers/customer-session.ts';
import type { ShopDatabase } from '../database/open-database.ts';
import { parseInput, submitted } from '../web/input.ts';
import { paginateClamped, readPage } from '../web/paging.ts';
import { notFound, ShopError } from '../web/shop-error.ts';
import {
  addReview,
  changeReview,
  markHelpful,
  removeReview,
  type ReviewReference,
} from './review-commands.ts';
import { reviewInput } from './review-input.ts';
import { findOwnReview, listReviews, summarizeReviews, type ReviewedProduct } from './review-queries.ts';
import { reviewsPage, reviewsPath, type ReviewsPageInput } from './reviews-page.ts';

/** Reviews on a page of the list. */
export const REVIEWS_PER_PAGE = 10;

async function renderList(
  database: ShopDatabase,
  { product, req, res, refused }: ListRequest,
): Promise<void> {
  const customerId = signedIn(res)?.id ?? null;
  const [summary, ownReview] = await Promise.all([
    summarizeReviews(database, product.id),
    customerId === null ? null : findOwnReview(database, product.id, customerId),
  ]);
  const page = readPage(req.query['page']);
  const paging = paginateClamped({ page, perPage: REVIEWS_PER_PAGE, count: summary.count });
  const { perPage: limit, offset } = paging;
  const reviews = await listReviews(database, { productId: product.id, limit, offset });
  const input: ReviewsPageInput = { product, summary, reviews, paging, customerId, ownReview };
  res.render('reviews', reviewsPage(refused ? { ...input, refused } : input));
}

interface ListRequest {
  readonly product: ReviewedProduct;
  readonly req: Request;
  readonly res: Response;
  readonly refused?: NonNullable<ReviewsPageInput['refused']>;
}

/** The review that a route names. @throws ShopError `not-found` */
export function readReviewId(req: Request): string {
  const id = req.params['id'];
  if (typeof id !== 'string' || !/^[1-9]\d{0,17}$/.test(id)) throw notFound('review');
  return id;
}

/** Product, review and customer of a request. @throws ShopError `not-signed-in`, `not-found` */
export async function readReference(
  database: ShopDatabase,
  req: Request,
  res: Response,
): Promise<ReviewReference & { readonly product: ReviewedProduct }> {
  const { id: customerId } = requireSignedIn(res);
  const product = await requireProduct(database, req);
  return { product, productId: product.id, reviewId: readReviewId(req), customerId };
}

/** The review list of a product, and what customers do there. */
export function reviewPages(database: ShopDatabase): Router {
  const router = Router();
  const toList = (res: Response, slug: string) => res.redirect(303, reviewsPath(slug));
  const refuse = (request: Required<ListRequest>) => {
    request.res.status(422);
    return renderList(database, request);
  };

  router.get('/products/:slug/reviews', async (req, res) => {
    await renderList(database, { product: await requireProduct(database, req), req, res });
  });
  router.post('/products/:slug/reviews', pageNeedsCustomer, async (req, res) => {
    const { id: customerId } = requireSignedIn(res);
    const product = await requireProduct(database, req);
    const parsed = parseInput(reviewInput, req.body);
    if ('errors' in parsed) {
      const values = submitted(req.body, ['rating', 'title', 'body']);
      await refuse({ product, req, res, refused: { values, errors: parsed.errors } });
      return;
    }
    await addReview(database, { productId: product.id, customerId, input: parsed.value });
    toList(res, product.slug);
  });
  router.post('/products/:slug/reviews/:id/edit', pageNeedsCustomer, async (req, res) => {
    const reference = await readReference(database, req, res);
    const parsed = parseInput(reviewInput, req.body);
    if ('errors' in parsed) {
      const values = submitted(req.body, ['rating', 'title', 'body']);
      await refuse({ product: reference.product, req, res, refused: { values, errors: parsed.errors } });
      return;
    }
    await changeReview(database, reference, parsed.value);
    toList(res, reference.product.slug);
  });
  router.post('/products/:slug/reviews/:id/delete', pageNeedsCustomer, async (req, res) => {
    const reference = await readReference(database, req, res);
    try {
      await removeReview(database, reference);
    } catch (error) {
      // A second press of the button finds the review gone, which is what was wanted.
      if (!(error instanceof ShopError && error.code === 'not-found')) throw error;
    }
    toList(res, reference.product.slug);
  });
  router.post('/products/:slug/reviews/:id/helpful', pageNeedsCustomer, async (req, res) => {
    const reference = await readReference(database, req, res);
    await markHelpful(database, reference);
    const page = readPage(submitted(req.body, ['page']).page);
    const query = page > 1 ? `?page=${page}` : '';
    res.redirect(303, `${reviewsPath(reference.product.slug)}${query}#review-${reference.reviewId}`);
  });
  return router;
}
