/** First part of the topics of an outbox's events, as Debezium's outbox event router names them. */
const TOPIC_START = 'outbox.event.';

/**
 * Regular expression (of JavaScript and of Java) for the aggregate types that have a topic of their own: what Kafka takes in
 * a topic's name, and short enough for its 249 characters.
 */
export const OUTBOX_TYPE = '[A-Za-z0-9._-]{1,236}';

const typeWithTopic = new RegExp(`^${OUTBOX_TYPE}$`);

/**
 * Topic of an outbox's events of one aggregate type: `outbox.event.order` for `order`. Types after which Kafka could name no
 * topic share one, `outbox.event.`.
 */
export function outboxTopic(aggregateType: string): string {
  return TOPIC_START + (typeWithTopic.test(aggregateType) ? aggregateType : '');
}
