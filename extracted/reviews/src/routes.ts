import { get, page, post, readListQuery, readPageNumber, view, type Route } from '@banyan/service';
import { toMilliseconds, type Review } from './domain/review.ts';
import type { FindReviews } from './find-reviews.ts';
import { reviewsPage } from './reviews-page.ts';

/** A review in the words of the shop's API. */
function publicReview({ id, stars, headline, text, authorName, helpful, writtenAt }: Review) {
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

/** A review in the service's own words. */
function ownReview({ id, stars, headline, text, authorName, helpful, writtenAt }: Review) {
  return { id, stars, headline, text, author: { name: authorName }, helpful, writtenAt };
}

/** The routes that the shop has always had, as it answers them. */
const publicRoutes = (find: FindReviews): readonly Route[] => [
  get('/api/products/:slug/reviews', async ({ params, query }) => {
    const list = await find.list({ slug: params.slug, asked: readListQuery(query), readerId: null });
    const { slug, name } = list.product;
    const { average, count } = list.ratings;
    const { page, perPage, pages } = list.paging;
    const reviews = list.reviews.map(publicReview);
    return { product: { slug, name }, average, count, page, perPage, pages, reviews };
  }),
  post('/api/products/:slug/reviews'),
  page('/products/:slug/reviews', { identity: true }, async ({ params, query, customer }) => {
    const readerId = customer?.id ?? null;
    const list = await find.list({ slug: params.slug, asked: readPageNumber(query), readerId });
    return view('reviews', reviewsPage(list, readerId));
  }),
  post('/products/:slug/reviews'),
];

/** The service's own API, version 1. */
const ownRoutes = (find: FindReviews): readonly Route[] => [
  get('/v1/products/:slug/ratings', async ({ params }) => {
    const { product, ratings } = await find.ratings(params.slug);
    const { slug, name } = product;
    return { product: { slug, name }, ...ratings };
  }),
  get('/v1/products/:slug/reviews', async ({ params, query }) => {
    const list = await find.list({ slug: params.slug, asked: readListQuery(query), readerId: null });
    const { slug, name } = list.product;
    const { page, perPage, pages } = list.paging;
    const { count } = list.ratings;
    return { product: { slug, name }, count, page, perPage, pages, reviews: list.reviews.map(ownReview) };
  }),
  post('/v1/products/:slug/reviews'),
];

/** Everything that the service answers. */
export const routes = (find: FindReviews): readonly Route[] => [...publicRoutes(find), ...ownRoutes(find)];
