import { Router } from 'express';
import type { FindReviews } from '../find-reviews.ts';
import { readerOf } from './identify.ts';
import { readPageNumber, readSlug } from './input.ts';
import { refuseWrites } from './refuse-writes.ts';
import { reviewsPage } from './reviews-page.ts';

/** `GET /products/:slug/reviews`, as the shop has always shown it. */
export function publicPages(find: FindReviews): Router {
  const router = Router();
  const route = router.route('/products/:slug/reviews').post(refuseWrites);
  route.get(async (request, response) => {
    const readerId = readerOf(response)?.id ?? null;
    const list = await find.list({ slug: readSlug(request), asked: readPageNumber(request), readerId });
    response.render('reviews', reviewsPage(list, readerId));
  });
  return router;
}
