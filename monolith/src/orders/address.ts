import { z } from 'zod';
import { text } from '../web/input.ts';

/** Where an order goes, as the checkout form or a JSON body brings it. */
export const addressInput = z.object({
  recipient: text({ missing: 'Who is it for?', max: 100 }),
  street: text({ missing: 'Give the street and the number.', max: 120 }),
  postcode: text({ missing: 'Give the postcode.', max: 12 }),
  city: text({ missing: 'Give the town or city.', max: 80 }),
});

export type Address = z.output<typeof addressInput>;

/** Names of the form's fields. */
export const ADDRESS_FIELDS = ['recipient', 'street', 'postcode', 'city'] as const;
