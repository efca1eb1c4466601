import type { ConfigTable } from '@banyan/kit';
import { z } from 'zod';
import { outboxConfigTable } from '../feed/outbox-setting.ts';

const name = z
  .string('must be set')
  .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'lower-case letters, digits and _, at most 63');

/** Settings of the reader's process. */
export const readerConfig = {
  sourceUrl: {
    env: 'SOURCE_URL',
    schema: z.url({
      protocol: /^postgres(ql)?$/,
      error: 'must be a URL such as postgres://user:password@host:5432/db',
    }),
    text: "URL of the monolith's database, of a role with REPLICATION that owns the tables to copy or is a member of their owner",
    secret: true,
  },
  busFile: {
    env: 'BUS_FILE',
    schema: z.string('must be set').min(1),
    text: 'path of the bus, a SQLite file',
  },
  busMaxBytes: {
    env: 'BUS_MAX_BYTES',
    schema: z.coerce
      .number('must be a number')
      .int()
      .min(64 * 1024 * 1024)
      .default(2 * 1024 * 1024 * 1024),
    text: 'most bytes of the bus, 67,108,864 or more; at nine tenths of it the slowest group is lost and takes a new table snapshot',
  },
  busWarnRatio: {
    env: 'BUS_WARN_RATIO',
    schema: z.coerce.number('must be a number').min(0.1).max(0.85).default(0.75),
    text: 'part of BUS_MAX_BYTES, 0.1 to 0.85, above which the bus warns and table snapshots wait',
  },
  busKeepAppliedMs: {
    env: 'BUS_KEEP_APPLIED_MS',
    schema: z.coerce.number('must be a number').int().nonnegative().default(600_000),
    text: 'milliseconds that records which every group has applied stay on the bus for people who look, as long as it is a quarter full at most',
  },
  prefix: {
    env: 'TOPIC_PREFIX',
    schema: z
      .string()
      .regex(/^[\w-]+$/, 'letters, digits, _ and -')
      .default('banyan'),
    text: 'first part of every topic',
  },
  slot: { env: 'SLOT_NAME', schema: name, text: 'replication slot, made when missing' },
  publication: { env: 'PUBLICATION_NAME', schema: name, text: 'publication, made when missing' },
  ...outboxConfigTable,
  heartbeatIntervalMs: {
    env: 'HEARTBEAT_INTERVAL_MS',
    schema: z.coerce.number('must be a number').int().min(50).max(60_000).default(1_000),
    text: 'milliseconds between heartbeats, 50 to 60,000',
  },
  chunkRows: {
    env: 'SNAPSHOT_CHUNK_ROWS',
    schema: z.coerce.number('must be a number').int().min(1).max(100_000).default(4_096),
    text: 'most rows of a chunk of a table snapshot, 1 to 100,000; it starts small and grows while the stream keeps up',
  },
  maxBacklogBytes: {
    env: 'SNAPSHOT_MAX_BACKLOG_BYTES',
    schema: z.coerce.number('must be a number').int().min(0).default(8_388_608),
    text: 'table snapshots wait while more bytes of the stream than this were received and are not stored',
  },
  storeTargetMs: {
    env: 'SNAPSHOT_STORE_TARGET_MS',
    schema: z.coerce.number('must be a number').int().min(1).max(60_000).default(200),
    text: 'milliseconds from the end of a chunk in the WAL to the disk above which chunks are made smaller, 1 to 60,000',
  },
} as const satisfies ConfigTable;
