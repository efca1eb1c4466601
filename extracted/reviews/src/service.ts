import { defineService } from '@banyan/service';
import { shopFace } from '@banyan/shop-frame';
import { migrationSource } from '../../../migrations/reviews/index.ts';
import { reviewsSlice } from '../slice.ts';
import { createFindReviews } from './find-reviews.ts';
import { routes } from './routes.ts';
import { createSqliteReviewStore } from './sqlite-review-store.ts';

/** Product reviews, whole. */
export const reviewsService = defineService({
  slice: reviewsSlice,
  migrations: { sqlite: migrationSource },
  store: createSqliteReviewStore,
  openapi: new URL('../../../contracts/reviews/openapi.yaml', import.meta.url),
  face: shopFace(new URL('views/', import.meta.url)),
  routes: ({ store }) => routes(createFindReviews(store)),
});
