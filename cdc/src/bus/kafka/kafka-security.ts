import { ConfigError, type ConfigTable } from '@banyan/kit';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { KafkaSettings } from './kafka-client.ts';

const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;

/** How a process proves who it is to Kafka's brokers, and how it knows them. */
export const kafkaSecurityTable = {
  kafkaSsl: {
    env: 'KAFKA_SSL',
    schema: z.stringbool().default(false),
    text: 'true: connect to the brokers by TLS',
  },
  kafkaSslCaFile: {
    env: 'KAFKA_SSL_CA_FILE',
    schema: z.string().min(1).optional(),
    text: "PEM file of the authorities that sign the brokers' certificates; default: those of Node",
  },
  kafkaSaslMechanism: {
    env: 'KAFKA_SASL_MECHANISM',
    schema: z.enum(mechanisms).optional(),
    text: `SASL mechanism: ${mechanisms.join(', ')}; default: no SASL`,
  },
  kafkaSaslUsername: {
    env: 'KAFKA_SASL_USERNAME',
    schema: z.string().min(1).optional(),
    text: 'user name for SASL',
  },
  kafkaSaslPassword: {
    env: 'KAFKA_SASL_PASSWORD',
    schema: z.string().min(1).optional(),
    text: 'password for SASL',
    secret: true,
  },
} as const satisfies ConfigTable;

export interface KafkaSecuritySettings {
  readonly kafkaSsl?: boolean | undefined;
  readonly kafkaSslCaFile?: string | undefined;
  readonly kafkaSaslMechanism?: (typeof mechanisms)[number] | undefined;
  readonly kafkaSaslUsername?: string | undefined;
  readonly kafkaSaslPassword?: string | undefined;
}

// kafkajs's own type is a union over the mechanisms, which one object over their union does not match.
type SaslSetting = NonNullable<KafkaSettings['sasl']>;

/** @throws ConfigError that names every setting that is missing or does not fit the others. */
export function kafkaSecurity(settings: KafkaSecuritySettings): Pick<KafkaSettings, 'ssl' | 'sasl'> {
  const { kafkaSsl = false, kafkaSslCaFile, kafkaSaslMechanism: mechanism } = settings;
  const { kafkaSaslUsername: username, kafkaSaslPassword: password } = settings;
  const problems: string[] = [];
  let ca: string | undefined;
  if (kafkaSslCaFile !== undefined && !kafkaSsl) {
    problems.push('KAFKA_SSL_CA_FILE is set, and KAFKA_SSL is not true: set both, or neither');
  } else if (kafkaSslCaFile !== undefined) {
    try {
      ca = readFileSync(kafkaSslCaFile, 'utf8');
    } catch (cause) {
      problems.push(`KAFKA_SSL_CA_FILE cannot be read: ${(cause as Error).message}`);
    }
  }
  const isComplete = username !== undefined && password !== undefined;
  if (mechanism !== undefined && !isComplete) {
    problems.push(
      `KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD: wanted with KAFKA_SASL_MECHANISM=${mechanism}; not both are set`,
    );
  }
  if (mechanism === undefined && (username !== undefined || password !== undefined)) {
    problems.push(
      `KAFKA_SASL_MECHANISM: wanted with a user name or password; one of ${mechanisms.join(', ')}`,
    );
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    ...(kafkaSsl && { ssl: ca === undefined ? true : { ca: [ca] } }),
    ...(mechanism !== undefined && isComplete && { sasl: { mechanism, username, password } as SaslSetting }),
  };
}
