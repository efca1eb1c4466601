import { expect, test } from '@jest/globals';
import { stringifyExactJson, type Envelope } from '@banyan/contracts';
import fc from 'fast-check';
import { isLongRow, writeEnvelope, writeLongEnvelope } from './envelope-text.ts';

const integer = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const field = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  integer,
  fc.boolean(),
  fc.constant(null),
);
const row = fc.option(
  fc.dictionary(fc.string(), fc.oneof(field, fc.array(fc.oneof(field, fc.array(field))))),
);
const moment = { ts_ms: fc.nat(), ts_us: fc.nat(), ts_ns: integer };
const envelope: fc.Arbitrary<Envelope> = fc.record({
  before: row,
  after: row,
  source: fc.record({
    version: fc.string(),
    connector: fc.string(),
    name: fc.string(),
    ts_ms: moment.ts_ms,
    snapshot: fc.option(fc.string()),
    db: fc.string(),
    sequence: fc.option(fc.string()),
    ts_us: moment.ts_us,
    ts_ns: moment.ts_ns,
    schema: fc.string(),
    table: fc.string(),
    txId: fc.option(fc.nat()),
    lsn: fc.option(integer),
    xmin: fc.option(fc.nat()),
    origin: fc.option(fc.string()),
    origin_lsn: fc.option(integer),
  }),
  transaction: fc.constant(null),
  op: fc.constantFrom('c', 'u', 'd', 'r', 't'),
  ...moment,
});

test('an envelope is written as exact JSON would be, whatever is in it', () => {
  fc.assert(fc.property(envelope, (value) => expect(writeEnvelope(value)).toBe(stringifyExactJson(value))));
});

test('an envelope that is written in pieces is the same, also with a long text in it', () => {
  fc.assert(
    fc.property(envelope, (value) => {
      expect(String(writeLongEnvelope(value))).toBe(stringifyExactJson(value));
    }),
  );
  const [first] = fc.sample(envelope, { seed: 1, numRuns: 1 });
  if (!first) throw new Error('one sample was asked for');
  const body = 'a"\\é😀'.repeat(400_000);
  const long = {
    ...first,
    before: { id: 1, body, big: 2n ** 62n },
    after: { tags: ['a'], body, last: null },
  };
  expect(isLongRow(long.before)).toBe(true);
  expect(String(writeLongEnvelope(long)) === stringifyExactJson(long)).toBe(true);
});
