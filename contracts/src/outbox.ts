import { z } from 'zod';
import { bySchema, reasonSchema } from './asked.ts';

/** The outbox table, `schema.table`, and why it is not in the feed; null when it is. */
export const outboxStatusSchema = z.strictObject({ table: z.string(), problem: z.string().nullable() });
export type OutboxStatus = z.infer<typeof outboxStatusSchema>;

/** Body of `POST /v1/outbox/readmit`: asks for an outbox again that was taken out of the feed. */
export const outboxReadmitRequestSchema = z.strictObject({ by: bySchema, reason: reasonSchema });
export type OutboxReadmitRequest = z.infer<typeof outboxReadmitRequestSchema>;

/** What came of it: a problem says why the table is still out. */
export const outboxReadmitResponseSchema = z.strictObject({
  schema_version: z.literal(1),
  outbox: outboxStatusSchema,
  next_steps: z.array(z.string()),
});
export type OutboxReadmitResponse = z.infer<typeof outboxReadmitResponseSchema>;

/** First part of the topics of an outbox's events, as Debezium's outbox event router names them. */
const TOPIC_START = 'outbox.event.';

/**
 * Regular expression (of JavaScript and of Java) for the aggregate types that have a topic of their own: what Kafka takes in
 * a topic's name of at most 249 characters. Without the point: Kafka refuses a topic that differs from another one by `.`
 * and `_` alone.
 */
export const OUTBOX_TYPE = '[A-Za-z0-9_-]{1,236}';

const typeWithTopic = new RegExp(`^${OUTBOX_TYPE}$`);

/**
 * Topic of an outbox's events of one aggregate type: `outbox.event.order` for `order`. Types that are not of
 * `OUTBOX_TYPE` share one, `outbox.event.`.
 */
export function outboxTopic(aggregateType: string): string {
  return TOPIC_START + (typeWithTopic.test(aggregateType) ? aggregateType : '');
}
