import { z } from 'zod';

/**
 * What a service says of its copy, at `GET /_banyan/sync`. Unknown is null, never 0.
 */
export const syncReportSchema = z.strictObject({
  slice: z.string(),
  /** Consumer group on the bus. */
  group: z.string(),
  state: z.enum(['running', 'stopped', 'failed']),
  /** Why it failed, for people; null otherwise. */
  error: z.string().nullable(),
  startedAtMs: z.number().int(),
  /** The service's clock when it made this report. */
  nowMs: z.number().int(),
  tables: z.array(
    z.strictObject({
      source: z.string(),
      target: z.string(),
      topic: z.string(),
      /** Offset of the next record to apply; 0 with none applied. */
      nextOffset: z.number().int(),
      appliedRows: z.number().int(),
      quarantined: z.number().int(),
      /** Keys that are held, as texts in key order; at most ten. Left out by services that do not say. */
      heldKeys: z.array(z.array(z.string())).optional(),
      /**
       * True when records that this copy had not applied are gone from the bus: rows may be missing until a new table
       * snapshot has begun.
       */
      lost: z.boolean(),
      /** Offset after the topic's last record when the consumer last looked; null when it has not. */
      endOffset: z.number().int().nullable(),
    }),
  ),
  /** Commit to apply over the last minute, heartbeats included; null with no sample. */
  lag: z.strictObject({ p50Ms: z.number(), p99Ms: z.number(), samples: z.number().int() }).nullable(),
  /** When the last heartbeat was written at the source, by its clock; null with none met. */
  heartbeatAtMs: z.number().nullable(),
});
export type SyncReport = z.infer<typeof syncReportSchema>;

/** Answer of `GET /_banyan/barriers/:id`: which topics of the slice have met this barrier. */
export const barrierReportSchema = z.strictObject({ metTopics: z.array(z.string()) });

/** Body of `POST /_banyan/range`: one range of a target table in key order. Keys are target key values as text. */
export const rangeRequestSchema = z.strictObject({
  table: z.string(),
  /** Exclusive start; null for the beginning. */
  afterKey: z.array(z.string()).nullable(),
  /** Inclusive end; null for no end. */
  toKey: z.array(z.string()).nullable(),
});
export type RangeRequest = z.infer<typeof rangeRequestSchema>;

/** Row count and hash of canonical rows in a range (see `canonicalRow`). */
export const rangeReportSchema = z.strictObject({ rows: z.number().int(), hash: z.string() });
export type RangeReport = z.infer<typeof rangeReportSchema>;

/** Answer of `POST /_banyan/rows` (body: a range): canonical rows by key text, to find which ones differ. */
export const rangeRowsSchema = z.strictObject({
  rows: z.array(z.strictObject({ key: z.array(z.string()), hash: z.string() })),
});
export type RangeRows = z.infer<typeof rangeRowsSchema>;
