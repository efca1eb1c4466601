/** TLS and SASL against a real broker: what fits gets through, what does not says which setting is wrong. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { silentLogger } from '@banyan/kit';
import { openBus, type BusSettings } from '../open-bus.ts';
import type { KafkaBus } from './kafka-bus.ts';
import { createDebeziumTestBed } from '../../../testing/beds/debezium-test-bed.ts';
import { kafkaSecurity } from './kafka-security.ts';
import {
  PASSWORD,
  startSecureTestKafka,
  USER,
  type SecureTestKafka,
} from '../../../testing/beds/secure-kafka-test-bed.ts';

/** Twice kafkajs's own patience. The test is not about how fast it is, but that it ends. */
const DEADLINE_MS = 60_000;

let secure: SecureTestKafka;
/** Closes it; the last test's bed has it closed. */
let closing: (() => Promise<void>) | null = null;

beforeAll(async () => {
  secure = await startSecureTestKafka();
  closing = () => secure.close();
}, 180_000);
afterAll(async () => {
  await closing?.();
});

const sasl = (mechanism: BusSettings['kafkaSaslMechanism'], password = PASSWORD) => ({
  kafkaSaslMechanism: mechanism,
  kafkaSaslUsername: USER,
  kafkaSaslPassword: password,
});
const tls = (caFile = secure.caFile) => ({ kafkaSsl: true, kafkaSslCaFile: caFile });

/** By the settings, as every process opens it. */
async function withBus<T>(
  settings: Omit<BusSettings, 'stack'>,
  work: (bus: KafkaBus) => Promise<T>,
): Promise<T> {
  const opened = await openBus({ stack: 'kafka', ...settings }, { clientId: 'test', logger: silentLogger });
  if (opened.stack !== 'kafka') throw new Error('not Kafka');
  try {
    return await work(opened.bus);
  } finally {
    await opened.bus.close();
  }
}

/** Appends, reads it back by following the topic, and keeps a position: every kind of client that a bus has. */
async function comesAndGoes(bus: KafkaBus, topic: string): Promise<void> {
  await bus.append([{ topic, key: '1', value: 'x', headers: {} }]);
  expect((await bus.read({ topic, partition: 0, nextOffset: 0 }, 10)).map(({ value }) => value)).toEqual([
    'x',
  ]);
  await bus.commit(`group-${topic}`, [{ topic, partition: 0, nextOffset: 1 }]);
  expect((await bus.groups()).map(({ name }) => name)).toContain(`group-${topic}`);
}

test('TLS alone, by an authority from a file', async () => {
  await withBus({ kafkaBrokers: [secure.tlsBroker], ...tls() }, (bus) => comesAndGoes(bus, 'tls'));
}, 180_000);

test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
  'TLS and SASL: %s',
  async (mechanism) => {
    const settings = { kafkaBrokers: [secure.saslBroker], ...tls(), ...sasl(mechanism) };
    await withBus(settings, (bus) => comesAndGoes(bus, mechanism));
  },
  180_000,
);

type Wrong = readonly [what: string, settings: () => Omit<BusSettings, 'stack'>, says: RegExp];
const wrongs: readonly Wrong[] = [
  [
    'a wrong password, by PLAIN',
    () => ({ kafkaBrokers: [secure.saslBroker], ...tls(), ...sasl('plain', 'wrong') }),
    /KAFKA_SASL_USERNAME.*KAFKA_SASL_PASSWORD/,
  ],
  [
    'a wrong password, by SCRAM',
    () => ({ kafkaBrokers: [secure.saslBroker], ...tls(), ...sasl('scram-sha-512', 'wrong') }),
    /KAFKA_SASL_USERNAME.*KAFKA_SASL_PASSWORD/,
  ],
  [
    'an authority that did not sign',
    () => ({ kafkaBrokers: [secure.tlsBroker], ...tls(secure.otherCaFile) }),
    /KAFKA_SSL_CA_FILE/,
  ],
  ['no authority', () => ({ kafkaBrokers: [secure.tlsBroker], kafkaSsl: true }), /KAFKA_SSL_CA_FILE/],
  [
    'a name that the certificate is not for',
    () => ({ kafkaBrokers: [secure.misnamedBroker], ...tls() }),
    /KAFKA_BROKERS/,
  ],
  ['no TLS where it is wanted', () => ({ kafkaBrokers: [secure.tlsBroker] }), /KAFKA_SSL\b/],
  [
    'TLS where there is none',
    () => ({ kafkaBrokers: [secure.kafka.stack.bootstrapServers], ...tls() }),
    /KAFKA_SSL\b/,
  ],
  [
    'no SASL where it is wanted',
    () => ({ kafkaBrokers: [secure.saslBroker], ...tls() }),
    /KAFKA_SASL_MECHANISM/,
  ],
  [
    'SASL where there is none',
    () => ({ kafkaBrokers: [secure.kafka.stack.bootstrapServers], ...sasl('plain') }),
    /KAFKA_SASL_MECHANISM/,
  ],
];

/** Every way to ask, by one bus; each has to be refused. @returns what they said. */
async function refusalsOf(settings: Omit<BusSettings, 'stack'>, signal: AbortSignal): Promise<unknown[]> {
  return await withBus(settings, async (bus) => {
    const asked = await Promise.allSettled([
      bus.id(),
      bus.append([{ topic: 'refused', key: '1', value: 'x', headers: {} }]),
      bus.consume({
        from: [{ topic: 'refused', partition: 0, nextOffset: 0 }],
        onBatch: () => Promise.resolve(),
        signal,
      }),
    ]);
    return asked.map((answer) => (answer.status === 'rejected' ? (answer.reason as unknown) : answer));
  });
}

test('whatever does not fit: the error names the setting, whatever was asked, and shows no password', async () => {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  // At once: they mostly wait for kafkajs to give up.
  const found = await Promise.all(
    wrongs.map(async ([what, settings]) => [what, await refusalsOf(settings(), deadline)] as const),
  );
  for (const [what, , says] of wrongs) {
    const refusal = expect.objectContaining({
      code: 'bus-unreachable',
      message: expect.stringMatching(says),
    });
    expect(found).toContainEqual([what, [refusal, refusal, refusal]]);
  }
  for (const [, refusals] of found) expect(refusals.map(String).join()).not.toMatch(/open.*secret|wrong"/);
  expect(deadline.aborted).toBe(false);
}, 180_000);

test('Debezium in a Connect that reaches Kafka by TLS and SASL alone: changes, a table snapshot, a restart', async () => {
  await secure.kafka.stack.connect.start();
  closing = null;
  const dbz = await createDebeziumTestBed('secure', {
    given: {
      kafka: { ...secure.kafka, close: () => secure.close() },
      bus: { brokers: [secure.saslBroker], ...kafkaSecurity({ ...tls(), ...sasl('scram-sha-256') }) },
    },
  });
  try {
    await dbz.bed.sql('CREATE TABLE public.rows (id int PRIMARY KEY); INSERT INTO public.rows VALUES (1)');
    await dbz.source.ensureTables(['public.rows'], AbortSignal.timeout(90_000));
    await dbz.snapshot(['public.rows']);
    await dbz.bed.sql('INSERT INTO public.rows VALUES (2)');
    await dbz.caughtUp();
    await secure.kafka.stack.connect.kill();
    await dbz.bed.sql('INSERT INTO public.rows VALUES (3)');
    await secure.kafka.stack.connect.start();
    await dbz.caughtUp();
    const keys = (await dbz.records('public.rows')).map(({ key }) => key);
    expect(keys).toEqual(['{"id":1}', '{"id":2}', '{"id":3}']);
    // Connect shows its settings to whoever asks; the password is in a file.
    const shown = await fetch(`${secure.kafka.stack.connectUrl}/connectors?expand=info`).then((r) =>
      r.text(),
    );
    expect(shown).not.toContain(PASSWORD);
  } finally {
    await dbz.close();
  }
}, 300_000);
