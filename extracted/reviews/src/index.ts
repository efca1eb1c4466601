export { reviewsSlice } from '../slice.ts';
export { reviewsService } from './service.ts';
