export { reviewsSlice } from '../slice.ts';
export { configTable, type ReviewsConfig } from './config.ts';
export { createReviews, type Reviews } from './create-reviews.ts';
