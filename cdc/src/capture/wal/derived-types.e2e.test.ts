/** Every type of the reference page again: in an array, under a domain, and in an array of that domain. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Row } from '@banyan/contracts';
import { createFeedTestBed, type FeedTestBed } from '../../../testing/beds/feed-test-bed.ts';
import { envelopeTypeCases, envelopeTypeSetup } from '../../../testing/conformance/envelope-type-cases.ts';
import { envelopeOf } from '../../../testing/beds/reader-test-bed.ts';

let bed: FeedTestBed;
const signal = AbortSignal.timeout(300_000);
const cases = Object.values(envelopeTypeCases).flat();
const plain = cases.flatMap((one, n) =>
  one.type.endsWith('[]') || one.type === 'wholes' ? [] : [{ ...one, n }],
);

/** Column, its type, its value in SQL and in an envelope. */
const columns = [
  ...plain.map(({ n, type, sql, value }) => ({
    name: `array_${n}`,
    type: `${type}[]`,
    sql: `ARRAY[CAST(${sql} AS ${type}), NULL]`,
    value: [value, null],
  })),
  ...cases.map(({ sql, value }, n) => ({ name: `domain_${n}`, type: `domain_${n}`, sql, value })),
  ...plain.map(({ n, sql, value }) => ({
    name: `domains_${n}`,
    type: `domain_${n}[]`,
    sql: `ARRAY[CAST(${sql} AS domain_${n}), NULL]`,
    value: [value, null],
  })),
];

beforeAll(async () => {
  bed = await createFeedTestBed('derived_types');
  await bed.sql(envelopeTypeSetup);
  await bed.sql(cases.map(({ type }, n) => `CREATE DOMAIN domain_${n} AS ${type}`).join('; '));
  await bed.sql(
    `CREATE TABLE derived (id int PRIMARY KEY, ${columns.map(({ name, type }) => `${name} ${type}`).join(', ')})`,
  );
  await bed.start();
  await bed.source.ensureTables(['public.derived'], signal);
  await bed.sql(`INSERT INTO derived VALUES (1, ${columns.map(({ sql }) => sql).join(', ')})`);
  await bed.snapshot(['public.derived']);
});
afterAll(() => bed.close());

test('arrays and domains of every type hold what the type holds, streamed and read', async () => {
  const envelopes = (await bed.records('public.derived')).map(envelopeOf);
  expect(envelopes.map((envelope) => envelope?.op)).toEqual(['c', 'r']);
  const expected: Row = {
    id: 1,
    ...Object.fromEntries(columns.map(({ name, value }) => [name, value])),
  };
  for (const envelope of envelopes) expect(envelope?.after).toEqual(expected);
});
