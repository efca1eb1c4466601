import { z } from 'zod';
import { bySchema, reasonSchema } from './asked.ts';
import { outboxStatusSchema } from './outbox.ts';
import { phases } from './phase.ts';
import { proxyReportSchema } from './proxy-report.ts';
import { syncReportSchema } from './sync-report.ts';

/** Version of every JSON answer below; raised when a field changes its meaning or goes. */
export const CONTROL_SCHEMA_VERSION = 1;

/** A request that was refused or failed: cause, evidence and what to do next. Every 4xx and 5xx has this body. */
export const problemSchema = z.strictObject({
  schema_version: z.literal(CONTROL_SCHEMA_VERSION),
  error: z.strictObject({
    /** Stable, e.g. `gate-failed`, `not-found`, `invalid-request`, `unauthorized`. */
    code: z.string(),
    message: z.string(),
    /** One line a finding: what was wanted, what was got. All of them at once. */
    evidence: z.array(z.string()),
    /** Commands to try, most useful first. */
    next_steps: z.array(z.string()),
  }),
});
export type Problem = z.infer<typeof problemSchema>;

/** One gate's verdict. `inconclusive` means that there was nothing to judge by; it never passes. */
export const gateResultSchema = z.strictObject({
  gate: z.string(),
  verdict: z.enum(['pass', 'fail', 'inconclusive']),
  wanted: z.string(),
  got: z.string(),
  /** What to look at or run when it does not pass. */
  remedy: z.string().nullable(),
});
export type GateResult = z.infer<typeof gateResultSchema>;

const tableSyncSchema = z.strictObject({
  source: z.string(),
  target: z.string(),
  kind: z.enum(['owned', 'reference']),
  /** Table snapshot of this table; null when none was asked for. */
  tableSnapshot: z
    .strictObject({
      state: z.enum(['requested', 'running', 'completed', 'failed', 'stopped']),
      rowsDone: z.number().int().nullable(),
      /** What the planner thought when reading began; it may be exceeded. */
      rowsEstimated: z.number().int().nullable(),
      /** As seen over the last half minute; null before two looks at it, and when it does not run. */
      rowsPerSecond: z.number().nullable(),
      /** By estimate and rate; null when either is unknown, when it stands still, and once the estimate is exceeded. */
      remainingMs: z.number().nullable(),
    })
    .nullable(),
  /** Offset of the next record that the service applies; null without a fresh report. */
  nextOffset: z.number().int().nullable(),
  /** Offset after the last record of the table's topic on the bus. */
  endOffset: z.number().int().nullable(),
  appliedRows: z.number().int().nullable(),
  quarantined: z.number().int().nullable(),
});

const verificationSchema = z.strictObject({
  finishedAtMs: z.number().int(),
  rowsSource: z.number().int(),
  rowsTarget: z.number().int(),
  differences: z.number().int(),
  /** At most ten, as `public.reviews [17]: missing in the service`. */
  examples: z.array(z.string()),
});

/** A transaction of any database of the source's server that has not ended; what is not known of it is null. */
const openTransactionSchema = z.strictObject({
  pid: z.number().int().nullable(),
  /** Its name, when it is prepared (two-phase commit) and has no process. */
  prepared: z.string().nullable(),
  database: z.string().nullable(),
  application: z.string().nullable(),
  state: z.string().nullable(),
  /** Since it began, and since its last query began. */
  ageMs: z.number().nullable(),
  queryAgeMs: z.number().nullable(),
});
export type OpenTransactionStatus = z.infer<typeof openTransactionSchema>;

/** One slice as `GET /v1/slices/:name` gives it. Unknown is null, never 0. */
export const sliceStatusSchema = z.strictObject({
  name: z.string(),
  title: z.string(),
  phase: z.enum(phases),
  owner: z.enum(['monolith', 'service']),
  epoch: z.number().int(),
  /** Share asked for, 0 to 1. */
  share: z.number(),
  paused: z.strictObject({ by: z.string(), reason: z.string(), atMs: z.number().int() }).nullable(),
  /** A step that is under way, e.g. `table snapshot of public.reviews: 1,200 of 2,000 rows`. */
  activity: z.string().nullable(),
  /** What a copy that does not go on may be waiting for, oldest first. Left out when it goes on. */
  waitsFor: z.array(openTransactionSchema).optional(),
  /** True once the copy is complete and streaming. */
  inSync: z.boolean(),
  service: z.strictObject({ url: z.string(), reachable: z.boolean(), error: z.string().nullable() }),
  sync: syncReportSchema.nullable(),
  /** Age of the last heartbeat that came all the way to the service. */
  heartbeatAgeMs: z.number().nullable(),
  tables: z.array(tableSyncSchema),
  verification: verificationSchema.nullable(),
  gates: z.array(gateResultSchema),
  /** Summed over the proxies that reported in the last five seconds; null with none. */
  served: z
    .strictObject({
      eligible: z.number().int(),
      servedByService: z.number().int(),
      share: z.number().nullable(),
    })
    .nullable(),
  /** What `advance` would do, in words; null when nothing is left. */
  next: z.string().nullable(),
});
export type SliceStatus = z.infer<typeof sliceStatusSchema>;

/** What WAL that is kept for a slot means. */
const walRetentionSchema = z.strictObject({
  /** `lost`: the slot lacks WAL that it needs. `danger`: it will soon, or the disk is at risk. */
  level: z.enum(['ok', 'warning', 'danger', 'lost', 'unknown']),
  /** For people, with the limit that it is measured by. */
  text: z.string(),
});

const otherSlotSchema = z.strictObject({
  name: z.string(),
  database: z.string().nullable(),
  retainedWalBytes: z.number().nullable(),
  /** How long nobody has been connected; null when unknown. */
  inactiveMs: z.number().nullable(),
  retention: walRetentionSchema,
});

const feedStatusSchema = z.strictObject({
  /** `none`: no slice copies a table, and no database is followed. */
  state: z.enum(['running', 'silent', 'failed', 'unknown', 'none']),
  error: z.string().nullable(),
  slot: z.string(),
  slotActive: z.boolean().nullable(),
  /** WAL that the slot keeps on disk. */
  retainedWalBytes: z.number().nullable(),
  /** The slot's confirmed position, e.g. `0/1A2B3C`. */
  confirmedPosition: z.string().nullable(),
  /** End of the WAL at the source, and what of it is stored on the bus. */
  walPosition: z.string().nullable(),
  storedPosition: z.string().nullable(),
  /** WAL that was written and is not on the bus yet, whatever is in it. */
  backlogBytes: z.number().nullable(),
  retention: walRetentionSchema,
  /** WAL that may still be written before the slot is in danger; null when unknown or unlimited. */
  safeWalBytes: z.number().nullable(),
  /** `max_slot_wal_keep_size`; null when unknown or unlimited. */
  maxSlotWalKeepBytes: z.number().nullable(),
  /** Slots of others that nobody reads and that keep WAL. */
  otherSlots: z.array(otherSlotSchema),
  /** Since the reader last stored anything, heartbeat included. */
  heardAgeMs: z.number().nullable(),
  /** Raised by one whenever the feed restarted with a possible gap; every copy of before is resynced. */
  incarnation: z.number().int().nullable(),
  /** Why and when this one began, milliseconds since the epoch. */
  incarnationReason: z.string().nullable(),
  incarnationAtMs: z.number().int().nullable(),
  /** Null without one. */
  outbox: outboxStatusSchema.nullable(),
  /** Room that the bus takes; null when it could not be asked. */
  bus: z
    .strictObject({
      bytes: z.number().nullable(),
      maxBytes: z.number().nullable(),
      warning: z.string().nullable(),
    })
    .nullable(),
});

/** `GET /v1/status`. */
export const statusReportSchema = z.strictObject({
  schema_version: z.literal(CONTROL_SCHEMA_VERSION),
  nowMs: z.number().int(),
  snapshotVersion: z.number().int(),
  /** What a person should see first, whatever else is well: stores that cannot be written, full disks, lost files. */
  problems: z.array(z.string()).default([]),
  slices: z.array(sliceStatusSchema),
  feed: feedStatusSchema,
  proxies: z.array(z.strictObject({ reportedAgeMs: z.number(), report: proxyReportSchema })),
  next_steps: z.array(z.string()),
});
export type StatusReport = z.infer<typeof statusReportSchema>;

/** Body of the verbs: `POST /v1/slices/:name/{advance|pause|resume|rollback|route|verify|resync}`. */
export const verbRequestSchema = z.strictObject({
  /** Who asks, for the journal. */
  by: bySchema,
  /** Why; obligatory for `pause`, `rollback`, `route` and `resync`. */
  reason: reasonSchema.optional(),
  dryRun: z.boolean().default(false),
  /** For `route`, and for `advance` within canary: the share wanted, 0 to 1. */
  share: z.number().min(0).max(1).optional(),
  /** For `verify`: repair what differs; needs a reason. */
  repair: z.boolean().optional(),
  /** For `verify`: false answers once it has begun; `GET /v1/slices/:name/verification` tells how far it is. */
  wait: z.boolean().optional(),
});
export type VerbRequest = z.input<typeof verbRequestSchema>;

/** Answer of a verb: what changed, or would change with `dryRun`. */
export const verbResponseSchema = z.strictObject({
  schema_version: z.literal(CONTROL_SCHEMA_VERSION),
  slice: z.string(),
  verb: z.string(),
  dryRun: z.boolean(),
  from: z.string(),
  to: z.string(),
  /** What was or would be done, in order. */
  plan: z.array(z.string()),
  gates: z.array(gateResultSchema),
  /** Null for a dry run, and for a step that is not in the journal yet. */
  journalId: z.number().int().nullable(),
  /** Why the step, which is in force, is not in the journal yet; null when it is. */
  unwritten: z.string().nullable().default(null),
  next_steps: z.array(z.string()),
});
export type VerbResponse = z.infer<typeof verbResponseSchema>;

/** One line of the journal. */
export const journalEntrySchema = z.strictObject({
  id: z.number().int(),
  atMs: z.number().int(),
  slice: z.string(),
  by: z.string(),
  verb: z.string(),
  from: z.string(),
  to: z.string(),
  reason: z.string().nullable(),
  epoch: z.number().int(),
  evidence: z.array(gateResultSchema),
});
export type JournalEntry = z.infer<typeof journalEntrySchema>;

/** `GET /v1/journal?slice=&afterId=&limit=`: oldest first. */
export const journalResponseSchema = z.strictObject({
  schema_version: z.literal(CONTROL_SCHEMA_VERSION),
  entries: z.array(journalEntrySchema),
});

/** `POST /v1/caught-up`: answered once the slices have applied a position taken after the request came in. */
export const caughtUpRequestSchema = z.strictObject({
  slices: z.array(z.string()).min(1),
  timeoutMs: z.number().int().positive().max(60_000),
});
export const caughtUpResponseSchema = z.strictObject({
  caughtUp: z.boolean(),
  position: z.string().nullable(),
});
