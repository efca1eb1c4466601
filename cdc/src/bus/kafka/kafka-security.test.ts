import { expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { kafkaSecurity } from './kafka-security.ts';

const file = fileURLToPath(import.meta.url);

test('without settings there is neither TLS nor SASL', () => {
  expect(kafkaSecurity({})).toEqual({});
});

test('TLS by the authorities of Node or of a file, SASL with a name and a password', () => {
  expect(kafkaSecurity({ kafkaSsl: true })).toEqual({ ssl: true });
  expect(kafkaSecurity({ kafkaSsl: true, kafkaSslCaFile: file })).toEqual({
    ssl: { ca: [expect.stringContaining('authorities of Node')] },
  });
  const sasl = { kafkaSaslMechanism: 'plain', kafkaSaslUsername: 'banyan', kafkaSaslPassword: 'x' } as const;
  expect(kafkaSecurity(sasl)).toEqual({ sasl: { mechanism: 'plain', username: 'banyan', password: 'x' } });
});

test('everything that is missing is named at once, and no password is shown', () => {
  const wrong = { kafkaSslCaFile: file, kafkaSaslPassword: 'hidden' };
  expect(() => kafkaSecurity(wrong)).toThrow(/KAFKA_SSL is not true[^]*KAFKA_SASL_MECHANISM/);
  expect(() => kafkaSecurity(wrong)).not.toThrow(/hidden/);
  expect(() => kafkaSecurity({ kafkaSsl: true, kafkaSslCaFile: '/nowhere.pem' })).toThrow(/cannot be read/);
  expect(() => kafkaSecurity({ kafkaSaslMechanism: 'plain', kafkaSaslUsername: 'a' })).toThrow(/not both/);
});
