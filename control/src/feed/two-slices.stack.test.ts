import { test } from '@jest/globals';
import { createDebeziumTestBed } from '../../../cdc/testing/beds/debezium-test-bed.ts';
import { expectTwoSlicesToShare } from '../../testing/two-slices-test-bed.ts';

test('two slices share two reference tables through all phases on Kafka and Debezium', async () => {
  const dbz = await createDebeziumTestBed('two_slices');
  const { kafka, bed, bus, sourceOptions } = dbz;
  try {
    await expectTwoSlicesToShare({
      url: bed.url,
      publication: sourceOptions.publication,
      bus,
      settings: {
        STACK: 'kafka',
        KAFKA_BROKERS: kafka.stack.bootstrapServers,
        CONNECT_URL: kafka.stack.connectUrl,
        CONNECT_PASSWORD: sourceOptions.database.passwordReference,
      },
    });
  } finally {
    await dbz.close();
  }
}, 600_000);
