import type { Logger } from '@banyan/kit';
// As a whole: it is a CommonJS package, and Node does not see all of its names.
import kafkajs, { type Kafka, type KafkaConfig } from 'kafkajs';

/** How to reach a Kafka. */
export interface KafkaSettings {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** Shown in the broker's logs, and the first part of the names of consumer groups. Default `banyan`. */
  readonly clientId?: string;
  readonly ssl?: NonNullable<KafkaConfig['ssl']>;
  readonly sasl?: NonNullable<KafkaConfig['sasl']>;
}

/** Waits of 0.1 s to 1 s, about 6 s in all: longer than a broker takes to come back, shorter than patience. */
export const kafkaRetry = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 8 } as const;

/** kafkajs, told to log through ours: at debug, since what matters comes out as an error. */
export function createKafkaClient(settings: KafkaSettings, logger: Logger): Kafka {
  const { brokers, clientId = 'banyan', ssl, sasl } = settings;
  return new kafkajs.Kafka({
    brokers: [...brokers],
    clientId,
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    retry: kafkaRetry,
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => (entry) => {
      const { message, ...rest } = entry.log;
      const about = ['error', 'groupId', 'topic', 'partition'].map((name) => [name, rest[name] as unknown]);
      logger.debug(Object.fromEntries(about), `kafkajs: ${message}`);
    },
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
  });
}
