import { Router } from 'express';
import type { Review } from '../domain/review.ts';
import type { FindReviews } from '../find-reviews.ts';
import { readListQuery, readSlug } from './input.ts';

function reviewJson({ id, stars, headline, text, authorName, helpful, writtenAt }: Review) {
  return { id, stars, headline, text, author: { name: authorName }, helpful, writtenAt };
}

/** The service's own API, version 1, in its own words. */
export function v1Api(find: FindReviews): Router {
  const router = Router();
  router.get('/products/:slug/ratings', async (request, response) => {
    const { product, ratings } = await find.ratings(readSlug(request));
    const { slug, name } = product;
    response.json({ product: { slug, name }, ...ratings });
  });
  router.get('/products/:slug/reviews', async (request, response) => {
    const asked = readListQuery(request);
    const list = await find.list({ slug: readSlug(request), asked, readerId: null });
    const { slug, name } = list.product;
    const { page, perPage, pages } = list.paging;
    const { count } = list.ratings;
    response.json({
      product: { slug, name },
      count,
      page,
      perPage,
      pages,
      reviews: list.reviews.map(reviewJson),
    });
  });
  return router;
}
