import { z } from 'zod';

const fieldSchema = z.strictObject({
  /** Column of the service's table. */
  column: z.string(),
  /** What the copy should hold and what it holds; null for SQL's null, and when hidden. Long ones are cut. */
  wanted: z.string().nullable(),
  got: z.string().nullable(),
  /** True for a personal column: its values are not told. */
  isHidden: z.boolean(),
});

const findingSchema = z.strictObject({
  kind: z.enum(['missing', 'extra', 'different', 'unsettled']),
  /** Key in the service's table, as text. */
  key: z.array(z.string()),
  /** The fields that differ, for the kind `different`. */
  fields: z.array(fieldSchema),
});

const count = z.number().int();

const tableSchema = z.strictObject({
  source: z.string(),
  target: z.string(),
  step: z.enum(['waiting', 'running', 'done']),
  /** Planner's estimate; null when unknown. */
  rowsEstimated: count.nullable(),
  rowsSource: count,
  rowsTarget: count,
  /** In the source and not in the service. */
  missing: count,
  /** In the service and not in the source. */
  extra: count,
  different: count,
  /** Changed in every look, so that nothing can be said of the copy. */
  unsettled: count,
  /** Differed, were read again, and are equal now; in none of the counts above. */
  repaired: count,
  /** Ranges whose hashes were compared. */
  ranges: count,
  /** At most ten; the counts are complete. */
  examples: z.array(findingSchema),
  notes: z.array(z.string()),
});

/** A verification: running, interrupted (it goes on by itself), finished, or failed for good. */
export const verificationReportSchema = z.strictObject({
  state: z.enum(['running', 'interrupted', 'finished', 'failed']),
  by: z.string(),
  reason: z.string().nullable(),
  repair: z.boolean(),
  startedAtMs: count,
  finishedAtMs: count.nullable(),
  /** Why it was interrupted or failed. */
  error: z.string().nullable(),
  rowsSource: count,
  rowsTarget: count,
  /** missing + extra + different + unsettled. */
  differences: count,
  repaired: count,
  /** Over all tables; null when one of them is unknown. */
  rowsEstimated: count.nullable(),
  /** While it runs; null when unknown. */
  rowsPerSecond: z.number().nullable(),
  timeLeftMs: z.number().nullable(),
  tables: z.array(tableSchema),
});
export type VerificationReport = z.infer<typeof verificationReportSchema>;

/** `GET /v1/slices/:name/verification`: the one that runs, else the last one; null before the first. */
export const verificationResponseSchema = z.strictObject({
  schema_version: z.literal(1),
  slice: z.string(),
  report: verificationReportSchema.nullable(),
  next_steps: z.array(z.string()),
});
export type VerificationResponse = z.infer<typeof verificationResponseSchema>;
