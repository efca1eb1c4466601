import { z } from 'zod';

const likeness = z.enum(['same', 'different']);

/**
 * How the monolith reads paths that only look alike, asked with the example `/cart`: `same` when it takes the other for
 * `/cart`, `different` when it does not. What is left out is not known: such a read is answered by the monolith, which
 * is right either way, and such a write is refused once the two readings belong to different owners.
 */
export const pathReadingSchema = z.strictObject({
  letterCase: likeness.optional().describe('`/CART`; Express and IIS: same, most others: different'),
  trailingSlash: likeness.default('same').describe('`/cart/`'),
  trailingDotOrSpace: likeness
    .optional()
    .describe('`/cart.` and `/cart%20`; Windows: same, most others: different'),
  parameters: likeness.optional().describe("`/cart;x=1`; Java's servlets: same, most others: different"),
  extension: likeness.optional().describe('`/cart.json`; Rails: same, most others: different'),
});

export type PathReading = Readonly<z.infer<typeof pathReadingSchema>>;
