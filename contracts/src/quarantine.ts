import { z } from 'zod';
import { bySchema, reasonSchema } from './asked.ts';

/** What a quarantined record says, with nothing personal in it. */
export const heldPayloadSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('row'),
    /** Create, update, delete or read (of a table snapshot). */
    op: z.string(),
    /** Mapped source columns, as text cut at 200 characters; `***` for a personal one. Null is null. */
    columns: z.record(z.string(), z.string().nullable()),
    /** Source columns that the mapping does not take: not shown. */
    withheld: z.array(z.string()),
  }),
  /** Not an envelope: whatever it is may be personal. */
  z.strictObject({ kind: z.literal('unreadable'), chars: z.number().int(), sha256: z.string() }),
  z.strictObject({ kind: z.literal('none') }),
]);
export type HeldPayload = z.infer<typeof heldPayloadSchema>;

/** A key whose records are in quarantine: the first one could not be applied, the others wait behind it. */
export const heldQueueReportSchema = z.strictObject({
  /** Source table, `schema.table`. */
  table: z.string(),
  /** Key values as text, in key order; null for a record without a readable key, which is a queue of its own. */
  key: z.array(z.string()).nullable(),
  /** Offset of the first record on its topic. */
  offset: z.number().int(),
  reason: z.string(),
  heldSinceMs: z.number().int(),
  /** How many records wait behind the first one. */
  waiting: z.number().int(),
  /** Since when its row is being read again at the source (`skip`); null when it is not, or changed meanwhile. */
  rereadSinceMs: z.number().int().nullable(),
  /**
   * True when the first record lacks a value that neither the log nor the store has. The control plane reads such a row
   * again by itself.
   */
  lacksValue: z.boolean(),
  payload: heldPayloadSchema,
});
export type HeldQueueReport = z.infer<typeof heldQueueReportSchema>;

/** Answer of `GET /_banyan/quarantine?limit=`: those longest in quarantine first. */
export const quarantineReportSchema = z.strictObject({
  /** Records in quarantine, over all tables. */
  records: z.number().int(),
  queues: z.array(heldQueueReportSchema),
});
export type QuarantineReport = z.infer<typeof quarantineReportSchema>;

const queueName = {
  /** Source table, `schema.table`. */
  table: z.string().min(1),
  /** Key values as text, in key order. */
  key: z.array(z.string()).min(1),
};

/** Body of `POST /_banyan/quarantine/retry`. Without table and key: everything in quarantine. */
export const retryRequestSchema = z.strictObject({
  queue: z.strictObject(queueName).nullable(),
  /** Tries it in the store and rolls it back. */
  dryRun: z.boolean(),
});
export type RetryRequest = z.infer<typeof retryRequestSchema>;

/** What became of the queues; at most 100 of them by name, refused ones first. */
export const retryReportSchema = z.strictObject({
  applied: z.number().int(),
  refused: z.number().int(),
  queues: z.array(
    z.strictObject({
      table: z.string(),
      key: z.array(z.string()).nullable(),
      records: z.number().int(),
      /** Null when it was applied, or would be. */
      refusedBecause: z.string().nullable(),
    }),
  ),
});
export type RetryReport = z.infer<typeof retryReportSchema>;

/** Body of `POST /_banyan/quarantine/key`. */
export const heldKeyRequestSchema = z.strictObject(queueName);
export type HeldKeyRequest = z.infer<typeof heldKeyRequestSchema>;

/** Answer: how many records of this key are in quarantine; 0 for none. */
export const heldKeyReportSchema = z.strictObject({ records: z.number().int() });
export type HeldKeyReport = z.infer<typeof heldKeyReportSchema>;

/** Answer of `GET /v1/slices/:name/quarantine?limit=`. */
export const quarantineListResponseSchema = z.strictObject({
  schema_version: z.literal(1),
  slice: z.string(),
  records: z.number().int(),
  queues: z.array(heldQueueReportSchema),
  next_steps: z.array(z.string()),
});
export type QuarantineListResponse = z.infer<typeof quarantineListResponseSchema>;

const asked = {
  /** Who asks, for the journal. */
  by: bySchema,
  dryRun: z.boolean().default(false),
  /** Source table, `schema.table`; may be left out where only one table has the key in quarantine. */
  table: z.string().min(1).optional(),
};

/** Body of `POST /v1/slices/:name/quarantine/retry`. Without table and key: everything in quarantine. */
export const quarantineRetryRequestSchema = z
  .strictObject({
    ...asked,
    reason: reasonSchema.optional(),
    key: z.array(z.string()).min(1).optional(),
  })
  .refine(({ table, key }) => table === undefined || key !== undefined, {
    path: ['key'],
    message: 'a table alone is not enough: give a key with it, or neither for everything in quarantine',
  });
export type QuarantineRetryRequest = z.input<typeof quarantineRetryRequestSchema>;

export const quarantineRetryResponseSchema = z.strictObject({
  schema_version: z.literal(1),
  slice: z.string(),
  dryRun: z.boolean(),
  ...retryReportSchema.shape,
  /** Null for a dry run. */
  journalId: z.number().int().nullable(),
  next_steps: z.array(z.string()),
});
export type QuarantineRetryResponse = z.infer<typeof quarantineRetryResponseSchema>;

/** Body of `POST /v1/slices/:name/quarantine/skip`. */
export const quarantineSkipRequestSchema = z.strictObject({
  ...asked,
  reason: reasonSchema,
  key: z.array(z.string()).min(1),
});
export type QuarantineSkipRequest = z.input<typeof quarantineSkipRequestSchema>;

export const quarantineSkipResponseSchema = z.strictObject({
  schema_version: z.literal(1),
  slice: z.string(),
  dryRun: z.boolean(),
  table: z.string(),
  key: z.array(z.string()),
  /** How many records were in quarantine. */
  records: z.number().int(),
  /**
   * - `let-go`: the row has come, and its key's records are released.
   * - `held`: still in quarantine, since the row was changed each time that it was read, or the service refuses it as well.
   * - `under-way`: the service has not come to the row yet.
   *
   * Null for a dry run.
   */
  outcome: z.enum(['let-go', 'held', 'under-way']).nullable(),
  journalId: z.number().int().nullable(),
  next_steps: z.array(z.string()),
});
export type QuarantineSkipResponse = z.infer<typeof quarantineSkipResponseSchema>;
