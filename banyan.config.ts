import type { BanyanConfig } from '@banyan/contracts';
import { reviewsSlice } from './extracted/reviews/slice.ts';

/** What Banyan moves out of the shop: one entry a slice, each defined beside its service's code. */
export const config: BanyanConfig = { slices: [reviewsSlice] };
