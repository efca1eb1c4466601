import { z } from 'zod';
import { CONTROL_SCHEMA_VERSION } from './control-api.ts';

/** Room that the bus takes; null where it is not known. */
export const busRoomSchema = z.strictObject({
  bytes: z.number().nullable(),
  maxBytes: z.number().nullable(),
  /** What is wrong with it, for people; null when nothing is. */
  warning: z.string().nullable(),
});
export type BusRoom = z.infer<typeof busRoomSchema>;

/** `GET /v1/bus/topics`. */
export const busTopicsSchema = z.strictObject({
  schema_version: z.literal(CONTROL_SCHEMA_VERSION),
  room: busRoomSchema,
  topics: z.array(
    z.strictObject({
      topic: z.string(),
      /** Offset of the first record kept, and the one after the last. */
      firstOffset: z.number().int(),
      nextOffset: z.number().int(),
      records: z.number().int(),
      /** Null where the bus does not tell. */
      bytes: z.number().int().nullable(),
      /** Groups that read it. */
      groups: z.array(z.string()),
    }),
  ),
  next_steps: z.array(z.string()),
});
export type BusTopics = z.infer<typeof busTopicsSchema>;

/** `GET /v1/bus/groups`. */
export const busGroupsSchema = z.strictObject({
  schema_version: z.literal(CONTROL_SCHEMA_VERSION),
  room: busRoomSchema,
  groups: z.array(
    z.strictObject({
      name: z.string(),
      /** Since it last told how far it is, milliseconds. */
      seenAgeMs: z.number(),
      lagRecords: z.number().int(),
      lagBytes: z.number().int().nullable(),
      /** True when records that it needed are gone. */
      lost: z.boolean(),
      topics: z.array(
        z.strictObject({
          topic: z.string(),
          nextOffset: z.number().int(),
          lagRecords: z.number().int(),
          lagBytes: z.number().int().nullable(),
          lost: z.boolean(),
        }),
      ),
    }),
  ),
  next_steps: z.array(z.string()),
});
export type BusGroups = z.infer<typeof busGroupsSchema>;

/** Stands for a value that is not shown. */
export const MASKED_VALUE = '***';

const shownRow = z.record(z.string(), z.string()).nullable();

/** A record as it is shown: values as text, `***` where they are masked. */
export const busRecordViewSchema = z.strictObject({
  offset: z.number().int(),
  storedAtMs: z.number().int(),
  /** The bus key as JSON text; personal key columns are masked. */
  key: z.string().nullable(),
  headers: z.record(z.string(), z.string()),
  /** `change` of a row, `tombstone`, `control` (barrier, reset), or `other` (heartbeats, notifications). */
  kind: z.enum(['change', 'tombstone', 'control', 'other']),
  /** Of a change: c, u, d, r or t. */
  op: z.string().nullable(),
  before: shownRow,
  after: shownRow,
});
export type BusRecordView = z.infer<typeof busRecordViewSchema>;

/** `GET /v1/bus/records?topic=&from=&limit=&key=&values=`. */
export const busRecordsSchema = z.strictObject({
  schema_version: z.literal(CONTROL_SCHEMA_VERSION),
  topic: z.string(),
  records: z.array(busRecordViewSchema),
  /** Where to ask on. */
  nextOffset: z.number().int(),
  /** True when the topic's end, as of now, was reached. */
  ended: z.boolean(),
  next_steps: z.array(z.string()),
});
export type BusRecords = z.infer<typeof busRecordsSchema>;
