import type { ResolvedBanyanConfig } from '@banyan/contracts';
import type { GivenKafka } from './declared.ts';
import type { References } from './references.ts';

export function kafkaOf(stack: ResolvedBanyanConfig['stack'], references: References): GivenKafka | null {
  if (typeof stack !== 'object') return null;
  const { brokers, connectUrl, connectPassword, ssl, sasl } = stack.kafka;
  return {
    bootstrapServers: brokers.join(','),
    connectUrl: references.urlOf(connectUrl, 'stack.kafka.connectUrl'),
    connectPassword,
    security: {
      ...(ssl !== undefined && { KAFKA_SSL: String(ssl !== false) }),
      ...(typeof ssl === 'object' && { KAFKA_SSL_CA_FILE: ssl.caFile }),
      ...(sasl && {
        KAFKA_SASL_MECHANISM: sasl.mechanism,
        KAFKA_SASL_USERNAME: references.valueOf(sasl.username, 'stack.kafka.sasl.username'),
        KAFKA_SASL_PASSWORD: references.valueOf(sasl.password, 'stack.kafka.sasl.password'),
      }),
    },
  };
}
