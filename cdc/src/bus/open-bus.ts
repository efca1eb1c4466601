import { ConfigError, type ConfigTable, type Logger } from '@banyan/kit';
import { z } from 'zod';
import type { SourceLog } from './bus.ts';
import type { KafkaBus } from './kafka/kafka-bus.ts';
import { kafkaSecurity, kafkaSecurityTable, type KafkaSecuritySettings } from './kafka/kafka-security.ts';
import { openSqliteBus } from './sqlite/sqlite-bus.ts';

/** `embedded`: a bus in one SQLite file. `kafka`: Kafka, with Debezium as the source. */
export const stacks = ['embedded', 'kafka'] as const;
export type Stack = (typeof stacks)[number];

/** What every process that uses the bus takes into its own table of settings. */
export const busConfigTable = {
  stack: {
    env: 'STACK',
    schema: z.enum(stacks).default('embedded'),
    text: 'embedded: bus in one SQLite file, own reader; kafka: Kafka, and Debezium in Kafka Connect',
  },
  busFile: {
    env: 'BUS_FILE',
    schema: z.string().min(1).optional(),
    text: 'SQLite file of the bus',
    wantedWith: { env: 'STACK', value: 'embedded' },
  },
  kafkaBrokers: {
    env: 'KAFKA_BROKERS',
    schema: z
      .string()
      .transform((list) => list.split(',').map((broker) => broker.trim()))
      .pipe(z.array(z.string().regex(/^[^\s:]+:\d{1,5}$/, 'give host:port, separated by commas')))
      .optional(),
    text: 'Kafka, as host:port,host:port',
    wantedWith: { env: 'STACK', value: 'kafka' },
  },
  ...kafkaSecurityTable,
} as const satisfies ConfigTable;

export interface BusSettings extends KafkaSecuritySettings {
  readonly stack: Stack;
  readonly busFile?: string | undefined;
  readonly kafkaBrokers?: readonly string[] | undefined;
}

/** A bus, with what the stack adds to it. */
export type OpenedBus =
  | { readonly stack: 'embedded'; readonly bus: SourceLog }
  | { readonly stack: 'kafka'; readonly bus: KafkaBus };

/**
 * Opens the bus that the settings name: the one place where a stack becomes a bus.
 *
 * @param options.clientId How a broker tells its clients apart, e.g. `banyan-reviews`.
 * @throws ConfigError when the stack's own setting is missing; what `openSqliteBus` throws.
 */
export async function openBus(
  settings: BusSettings,
  options: { readonly clientId: string; readonly logger: Logger; readonly signal?: AbortSignal },
): Promise<OpenedBus> {
  const { stack, busFile, kafkaBrokers } = settings;
  const { signal, ...rest } = options;
  switch (stack) {
    case 'embedded':
      return {
        stack,
        bus: await openSqliteBus({ file: wanted(busFile, 'BUS_FILE', stack), ...(signal ? { signal } : {}) }),
      };
    case 'kafka': {
      // Only here: whoever runs on the embedded stack does not load Kafka's client.
      const { openKafkaBus } = await import('./kafka/kafka-bus.ts');
      return {
        stack,
        bus: openKafkaBus({
          brokers: wanted(kafkaBrokers, 'KAFKA_BROKERS', stack),
          ...kafkaSecurity(settings),
          ...rest,
        }),
      };
    }
  }
}

/** @throws ConfigError */
export function wanted<T>(value: T | undefined, env: string, stack: Stack): T {
  if (value !== undefined) return value;
  throw new ConfigError([`${env}: wanted with STACK=${stack}; it is not set`]);
}
