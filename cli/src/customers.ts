import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import type { Home } from './home.ts';

const totalsSchema = z.looseObject({
  requests: z.number(),
  errors: z.number(),
  staleReads: z.number(),
});

/** Totals of the built-in customers since they started. */
export interface CustomerTotals {
  readonly requests: number;
  readonly errors: number;
  readonly staleReads: number;
  readonly ageMs: number;
}

/** Null when no customers were started, or before their first line. */
export function readCustomerTotals(home: Home): CustomerTotals | null {
  try {
    const totals = totalsSchema.parse(JSON.parse(readFileSync(home.customersFile, 'utf8')));
    const { requests, errors, staleReads } = totals;
    return { requests, errors, staleReads, ageMs: Date.now() - statSync(home.customersFile).mtimeMs };
  } catch {
    return null; // no customers in this run
  }
}
