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
      /** Keys in quarantine, as texts in key order; at most ten. Left out by services that do not say. */
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
  /** What a person should see first: a store that cannot be written, a lost file, readers that are refused. */
  problems: z.array(z.string()).optional(),
});
export type SyncReport = z.infer<typeof syncReportSchema>;

/** Answer of `GET /_banyan/barriers/:id`: which topics of the slice have met this barrier. */
export const barrierReportSchema = z.strictObject({ metTopics: z.array(z.string()) });

/** Values of a target key as text, in key order. */
const keyText = z.array(z.string()).min(1);

/** Most rows that one request makes a service read in a piece, and most pieces in one request. */
export const MAX_RANGE_ROWS = 10_000;
export const MAX_RANGE_PIECES = 1_000;

/** Body of `POST /_banyan/pieces`: pieces of a target table that follow each other in key order. */
export const piecesRequestSchema = z.strictObject({
  table: z.string(),
  /** Exclusive start of the first piece; null for the beginning. Each other piece starts where the one before ends. */
  afterKey: keyText.nullable(),
  pieces: z
    .array(
      z.strictObject({
        /** Inclusive end; null for no end, in the last piece alone. */
        toKey: keyText.nullable(),
        /** The service reads no more rows than this and one: with more, the piece differs anyway. */
        maxRows: z.number().int().min(0).max(MAX_RANGE_ROWS),
      }),
    )
    .min(1)
    .max(MAX_RANGE_PIECES)
    .refine(
      (pieces) => pieces.slice(0, -1).every(({ toKey }) => toKey !== null),
      'only the last may be open',
    ),
});
export type PiecesRequest = z.infer<typeof piecesRequestSchema>;

/** Of each piece, in the order asked: its row count, `maxRows + 1` for more, and the hash of its canonical rows. */
export const piecesReportSchema = z.strictObject({
  pieces: z.array(z.strictObject({ rows: z.number().int(), hash: z.string() })),
});
export type PiecesReport = z.infer<typeof piecesReportSchema>;

/** Body of `POST /_banyan/rows`: the rows of one range one by one, to find which ones differ. */
export const rowsRequestSchema = z.strictObject({
  table: z.string(),
  /** Exclusive; null for the beginning. */
  afterKey: keyText.nullable(),
  /** Inclusive; null for no end. */
  toKey: keyText.nullable(),
  limit: z.number().int().min(1).max(MAX_RANGE_ROWS),
  /** Rows whose fields are wanted too. */
  fieldsOf: z.array(keyText).max(100),
});
export type RowsRequest = z.infer<typeof rowsRequestSchema>;

/** A field as it is shown: null for SQL's null. `shown` is null for a personal column, and cut to 60 characters. */
const fieldSchema = z.strictObject({ hash: z.string(), shown: z.string().nullable() }).nullable();
export type ShownField = z.infer<typeof fieldSchema>;

/** Key and hash of each row in key order; the range has more of them when `isWhole` is false. */
export const rowsReportSchema = z.strictObject({
  rows: z.array(
    z.strictObject({
      key: keyText,
      hash: z.string(),
      /** By target column, for the rows of `fieldsOf`. */
      fields: z.record(z.string(), fieldSchema).optional(),
    }),
  ),
  isWhole: z.boolean(),
});
export type RowsReport = z.infer<typeof rowsReportSchema>;
