import { z } from 'zod';

/** A base URL of http or https. */
export const address = z.url({ protocol: /^https?$/, error: 'an address such as http://127.0.0.1:3000' });

/** Several, separated by commas; at least one. */
export const addresses = z
  .string({ error: 'wanted: an address, or several by comma' })
  .transform((text) => text.split(',').map((entry) => entry.trim()))
  .pipe(z.array(address));
