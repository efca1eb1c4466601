import { Router } from 'express';
import { requireProduct } from '../catalog/catalog-routes.ts';
import { requireSignedIn } from '../customers/customer-session.ts';
import type { ShopDatabase } from '../database/open-database.ts';
import { requireInput } from '../web/input.ts';
import { paginate, pagingQuery } from '../web/paging.ts';
import { notFound } from '../web/shop-error.ts';
import { addReview, changeReview, markHelpful, removeReview } from './review-commands.ts';
import { reviewInput } from './review-input.ts';
import { findListedReview, listReviews, summarizeReviews, type ListedReview } from './review-queries.ts';
import { readReference, REVIEWS_PER_PAGE } from './review-routes.ts';

const listQuery = pagingQuery(REVIEWS_PER_PAGE);

/** A review as the API shows it: `id` as text, `createdAt` with milliseconds in UTC. */
export function reviewJson(review: ListedReview) {
  const { id, rating, title, body, authorName, helpfulCount, createdAt } = review;
  const author = { name: authorName };
  return { id, rating, title, body, author, helpfulCount, createdAt: createdAt.toISOString() };
}

async function shownReview(database: ShopDatabase, id: string) {
  const review = await findListedReview(database, id);
  if (!review) throw notFound('review');
  return { review: reviewJson(review) };
}

/** `/api/products/:slug/reviews` and what is below. A page beyond the last is an empty list. */
export function reviewApi(database: ShopDatabase): Router {
  const router = Router();
  router.get('/products/:slug/reviews', async (req, res) => {
    const asked = requireInput(listQuery, req.query);
    const { id: productId, slug, name } = await requireProduct(database, req);
    const { average, count } = await summarizeReviews(database, productId);
    const { page, perPage, pages, offset } = paginate({ ...asked, count });
    const reviews = await listReviews(database, { productId, limit: perPage, offset });
    res.json({
      product: { slug, name },
      average,
      count,
      page,
      perPage,
      pages,
      reviews: reviews.map(reviewJson),
    });
  });
  router.post('/products/:slug/reviews', async (req, res) => {
    const { id: customerId } = requireSignedIn(res);
    const product = await requireProduct(database, req);
    const input = requireInput(reviewInput, req.body);
    const { id } = await addReview(database, { productId: product.id, customerId, input });
    res.status(201).json(await shownReview(database, id));
  });
  router.put('/products/:slug/reviews/:id', async (req, res) => {
    const reference = await readReference(database, req, res);
    await changeReview(database, reference, requireInput(reviewInput, req.body));
    res.json(await shownReview(database, reference.reviewId));
  });
  router.delete('/products/:slug/reviews/:id', async (req, res) => {
    await removeReview(database, await readReference(database, req, res));
    res.status(204).end();
  });
  router.post('/products/:slug/reviews/:id/helpful', async (req, res) => {
    const reference = await readReference(database, req, res);
    await markHelpful(database, reference);
    res.json(await shownReview(database, reference.reviewId));
  });
  return router;
}
