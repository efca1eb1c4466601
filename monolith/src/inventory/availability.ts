/** What a page says about stock. `sold-out` cannot be put into a cart. */
export interface Availability {
  readonly kind: 'in-stock' | 'few-left' | 'sold-out';
  readonly text: string;
}

const FEW = 5;

/** @param available pieces that can still be sold; below 1 is sold out, up to 5 is "few left". */
export function describeAvailability(available: number): Availability {
  if (available < 1) return { kind: 'sold-out', text: 'Sold out' };
  if (available <= FEW) return { kind: 'few-left', text: `Only ${available} left` };
  return { kind: 'in-stock', text: 'In stock' };
}
