import { afterAll, beforeAll, describe } from '@jest/globals';
import { describeSharedBusContract } from '../../../testing/contracts/bus-contract.ts';
import { openEmptyKafkaBus, startTestKafka, type TestKafka } from '../../../testing/beds/kafka-test-bed.ts';

let kafka: TestKafka;
beforeAll(async () => {
  kafka = await startTestKafka();
});
afterAll(async () => {
  await kafka.close();
});

describe('on a real broker', () => {
  describeSharedBusContract('the Kafka bus', () => openEmptyKafkaBus(kafka));
});
