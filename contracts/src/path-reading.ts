import { z } from 'zod';

const likeness = z.enum(['same', 'different']);

/**
 * How the monolith reads paths that only look alike, asked with the example `/cart`: `same` when it takes the other for
 * `/cart`, `different` when it does not. What is left out is not known: such a read is answered by the monolith, which
 * is right either way, and such a write is refused once the two readings belong to different owners.
 */
export const pathReadingSchema = z.strictObject({
  /** `/CART`. Express and IIS: same. Most others: different. */
  letterCase: likeness.optional(),
  /** `/cart/`. Default same. */
  trailingSlash: likeness.default('same'),
  /** `/cart.` and `/cart%20`. Windows: same. Most others: different. */
  trailingDotOrSpace: likeness.optional(),
  /** `/cart;x=1`. Java's servlets: same. Most others: different. */
  parameters: likeness.optional(),
  /** `/cart.json`. Rails: same. Most others: different. */
  extension: likeness.optional(),
});

export type PathReading = Readonly<z.infer<typeof pathReadingSchema>>;
