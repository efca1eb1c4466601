import type { BanyanConfig } from '@banyan/contracts';
import { reviewsSlice } from './extracted/reviews/slice.ts';

/** What Banyan moves out of the shop, one entry a slice, each defined beside its service's code; and how the shop works. */
export const config: BanyanConfig = {
  slices: [reviewsSlice],
  // Express's router: case does not matter, everything else does.
  paths: {
    letterCase: 'same',
    trailingDotOrSpace: 'different',
    parameters: 'different',
    extension: 'different',
  },
  visitors: {
    identity: [
      { cookie: 'shop.sid', lookUp: '/api/session', id: 'customer.id', name: 'customer.displayName' },
    ],
  },
};
