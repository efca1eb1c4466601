import { z } from 'zod';

/** Why a request went where it went, in the order in which the reasons are looked at. */
export const decisionReasons = [
  'no-slice',
  'unclear-path',
  'owner',
  'rollback',
  'phase',
  'override',
  'pin',
  'no-key',
  'cohort',
  'breaker',
  'fallback',
] as const;
export type DecisionReason = (typeof decisionReasons)[number];

const sideSchema = z.strictObject({
  requests: z.number().int(),
  /** Answers 500 and above, and requests that got no answer from this side. */
  errors: z.number().int(),
  p50Ms: z.number().nullable(),
  p95Ms: z.number().nullable(),
});

const sliceTrafficSchema = z.strictObject({
  slice: z.string(),
  /** Share that the snapshot asks for, 0 to 1. */
  askedShare: z.number(),
  /**
   * Safe requests since the share last changed. `eligible` leaves out those that an override or a pin sent
   * elsewhere, and those without a key; `servedByService` counts answers that the client got from the service (a
   * fallback does not count).
   */
  sinceShareChange: z.strictObject({ eligible: z.number().int(), servedByService: z.number().int() }),
  /** Requests by reason since the proxy started. */
  byReason: z.partialRecord(z.enum(decisionReasons), z.number().int()),
  /**
   * Of the requests by reason `no-key`, those of clients that were given no visitor cookie with the answer either: not
   * a browser's first page, but apps and scripts that cannot be told apart.
   */
  withoutKey: z.number().int(),
  monolith: sideSchema,
  service: sideSchema,
  breaker: z.enum(['closed', 'open', 'half-open']),
});

/** What a proxy tells the control plane once a second. Counters are since the proxy's start. */
export const proxyReportSchema = z.strictObject({
  proxyId: z.string(),
  /** Base URL of the proxy's admin listener (health, metrics, explain). */
  adminUrl: z.url(),
  /** Base URL that customers use. */
  publicUrl: z.url(),
  startedAtMs: z.number().int(),
  /** Version of the routes snapshot in use; 0 with none. */
  snapshotVersion: z.number().int(),
  requests: z.number().int(),
  /** Answers 500 and above that the proxy gave to clients, whoever caused them. */
  clientErrors: z.number().int(),
  slices: z.array(sliceTrafficSchema),
});
export type ProxyReport = z.infer<typeof proxyReportSchema>;
export type SliceTraffic = z.infer<typeof sliceTrafficSchema>;

/** One decision with its reasons, as `banyan explain` shows it. */
export const explanationSchema = z.strictObject({
  method: z.string(),
  path: z.string(),
  slice: z.string().nullable(),
  target: z.enum(['monolith', 'service']),
  reason: z.enum(decisionReasons),
  /** Every rule in order: its outcome in words, and whether it decided. */
  steps: z.array(z.strictObject({ rule: z.string(), outcome: z.string(), decided: z.boolean() })),
  cohort: z.strictObject({ key: z.string(), bucket: z.number().int(), limit: z.number().int() }).nullable(),
  snapshotVersion: z.number().int(),
  proxyId: z.string(),
});
export type Explanation = z.infer<typeof explanationSchema>;
