import { Router } from 'express';
import { toMilliseconds, type Review } from '../domain/review.ts';
import type { FindReviews } from '../find-reviews.ts';
import { readListQuery, readSlug } from './input.ts';
import { refuseWrites } from './refuse-writes.ts';

/** A review in the words of the shop's API. */
function reviewJson({ id, stars, headline, text, authorName, helpful, writtenAt }: Review) {
  return {
    id,
    rating: stars,
    title: headline,
    body: text,
    author: { name: authorName },
    helpfulCount: helpful,
    createdAt: toMilliseconds(writtenAt),
  };
}

/** `GET /api/products/:slug/reviews`, as the shop has always answered it. */
export function publicApi(find: FindReviews): Router {
  const router = Router();
  const route = router.route('/products/:slug/reviews').post(refuseWrites);
  route.get(async (request, response) => {
    const asked = readListQuery(request);
    const list = await find.list({ slug: readSlug(request), asked, readerId: null });
    const { slug, name } = list.product;
    const { average, count } = list.ratings;
    const { page, perPage, pages } = list.paging;
    const reviews = list.reviews.map(reviewJson);
    response.json({ product: { slug, name }, average, count, page, perPage, pages, reviews });
  });
  return router;
}
