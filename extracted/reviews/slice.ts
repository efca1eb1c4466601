import { defineSlice, renamedValues } from '@banyan/contracts';

/** The shop says `published`, the service `visible`; every other status is the same word on both sides. */
const visibilityOfStatus = renamedValues('visibilityOfStatus', { published: 'visible' });

/**
 * What moves when product reviews leave the shop: the list as page and as JSON with everything below it, and the
 * table of reviews. Products and customers stay where they are; of them the service copies what a list shows,
 * and nothing personal beyond the name that a reviewer chose to show.
 */
export const reviewsSlice = defineSlice({
  name: 'reviews',
  title: 'Product reviews',
  routes: [
    { path: '/products/:slug/reviews' },
    { path: '/products/:slug/reviews/*' },
    { path: '/api/products/:slug/reviews' },
    { path: '/api/products/:slug/reviews/*' },
  ],
  tables: [
    {
      source: 'public.reviews',
      target: 'review',
      kind: 'owned',
      key: ['id'],
      columns: {
        id: 'review_id',
        product_id: 'product',
        customer_id: 'author',
        rating: 'stars',
        title: 'headline',
        body: 'text',
        status: { to: 'visibility', transform: visibilityOfStatus },
        helpful_count: 'helpful',
        created_at: 'written_at',
        updated_at: 'changed_at',
      },
      // Who wrote, and in their own words: free text holds whatever people tell of themselves.
      personal: ['customer_id', 'title', 'body'],
    },
    {
      source: 'public.products',
      target: 'product',
      kind: 'reference',
      key: ['id'],
      columns: { id: 'product_id', slug: 'slug', name: 'name' },
    },
    {
      source: 'public.customers',
      target: 'reviewer',
      kind: 'reference',
      key: ['id'],
      columns: { id: 'reviewer_id', display_name: 'name' },
      // The others never leave the shop's database. Should anyone come to map them, they are masked all the same.
      personal: ['display_name', 'email', 'password_hash'],
    },
  ],
});
