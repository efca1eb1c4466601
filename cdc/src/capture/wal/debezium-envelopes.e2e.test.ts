/**
 * Does to a table what was done to the one whose envelopes Debezium 3.6.3 really sent (cdc/fixtures), and compares.
 * Known differences, each on purpose: `source.version`; an old row under the default replica identity has null where
 * Debezium puts its schema's placeholders; `source.snapshot` is "false" while streaming in both of its configurations;
 * numeric is a string (`decimal.handling.mode=string`) also where the second table was recorded otherwise.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GONE_HEADER, UNAVAILABLE_COLUMNS_HEADER, UNAVAILABLE_VALUE } from '@banyan/contracts';
import { readFileSync } from 'node:fs';
import { createFeedTestBed, type FeedTestBed } from '../../../testing/beds/feed-test-bed.ts';
import type { StoredRecord } from '../../bus/bus.ts';
import { envelopeOf, PREFIX } from '../../../testing/beds/reader-test-bed.ts';

type Fields = Record<string, unknown>;
interface Recorded {
  readonly key: { readonly json: Fields } | null;
  readonly value: {
    readonly json: Fields & { before: Fields | null; after: Fields | null; source: Fields };
  } | null;
  readonly headers: Record<string, string>;
}

const recorded = JSON.parse(
  readFileSync(new URL('../../../fixtures/debezium-3.6-envelopes.json', import.meta.url), 'utf8'),
) as Record<string, Recorded>;

const signal = AbortSignal.timeout(300_000);
let bed: FeedTestBed;
let customer: readonly StoredRecord[];
let cust2: readonly StoredRecord[];
const LONG = 'x'.repeat(9_000);

beforeAll(async () => {
  bed = await createFeedTestBed('envelopes');
  await bed.sql(`
    CREATE SCHEMA app;
    CREATE TABLE app.customer (
      id int PRIMARY KEY, name text NOT NULL, email varchar(100), balance numeric(10,2), tags text[], meta jsonb,
      active boolean DEFAULT true, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamp, d date);
    CREATE TABLE app.cust2 (
      id int PRIMARY KEY, name text, balance numeric(10,2), active boolean DEFAULT true, big text,
      created_at timestamptz DEFAULT now());
    ALTER TABLE app.cust2 ALTER COLUMN big SET STORAGE EXTERNAL;
    INSERT INTO app.customer VALUES (1, 'Ann', 'ann@x.io', 10.50, '{a,b}', '{"k": 1}', true,
      '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.123456', '2026-01-02');
  `);
  await bed.start();
  await bed.source.ensureTables(['app.customer', 'app.cust2'], signal);
  await bed.snapshot(['app.customer']);
  for (const statement of [
    `INSERT INTO app.customer VALUES (2, 'Bob', 'bob@x.io', 99.99, '{c}', '{"k": 2}', true,
       '2026-02-02 03:04:05.678901+00', '2026-02-02 03:04:05.123456', '2026-02-02')`,
    `UPDATE app.customer SET name = 'Bobby', balance = NULL WHERE id = 2`,
    `UPDATE app.customer SET id = 3 WHERE id = 2`,
    `DELETE FROM app.customer WHERE id = 3`,
    `INSERT INTO app.customer (id, name, active) VALUES (20, 'ExplicitNulls', NULL)`,
    `INSERT INTO app.cust2 VALUES (1, 'Ann', 12.30, NULL, '${LONG}', NULL)`,
    `UPDATE app.cust2 SET name = 'Ann2' WHERE id = 1`,
    `ALTER TABLE app.cust2 REPLICA IDENTITY FULL`,
    `UPDATE app.cust2 SET name = 'Ann3' WHERE id = 1`,
    `DELETE FROM app.cust2 WHERE id = 1`,
    `ALTER TABLE app.cust2 ADD COLUMN extra int`,
    `INSERT INTO app.cust2 VALUES (2, 'Extra', NULL, true, NULL, '2026-11-22T21:34:55.209449Z', 7)`,
    `TRUNCATE app.cust2`,
  ]) {
    await bed.sql(statement);
  }
  await bed.caughtUp();
  customer = await bed.records('app.customer');
  cust2 = await bed.records('app.cust2');
});
afterAll(() => bed.close());

/** What can be compared of a record: without times, positions and Debezium's own context headers. */
function comparable(record: { key: unknown; headers: Record<string, string>; value: Fields | null }): Fields {
  const headers = Object.entries(record.headers).filter(([name]) => !name.startsWith('__debezium.context.'));
  const value = record.value;
  if (!value) return { ...record, headers: Object.fromEntries(headers) };
  const source = value['source'] as Fields;
  const left = ['version', 'ts_ms', 'ts_us', 'ts_ns', 'lsn', 'txId', 'sequence', 'name', 'db', 'snapshot'];
  return {
    key: record.key,
    headers: Object.fromEntries(headers),
    fields: Object.keys(value).sort(),
    before: value['before'],
    after: value['after'],
    op: value['op'],
    sourceFields: Object.keys(source).sort(),
    source: Object.fromEntries(Object.entries(source).filter(([name]) => !left.includes(name))),
  };
}

function ours(record: StoredRecord | undefined): Fields {
  if (!record) throw new Error('There is no such record.');
  const value = envelopeOf(record) as unknown as Fields | null;
  return comparable({
    key: record.key === null ? null : JSON.parse(record.key),
    headers: record.headers,
    value: value && { ...value, transaction: null },
  });
}

function theirs(name: string, adapt: (fields: Fields) => Fields = (fields) => fields): Fields {
  const record = recorded[name];
  if (!record) throw new Error(`Nothing is recorded as ${name}.`);
  const value = record.value?.json ?? null;
  const row = (fields: Fields | null): Fields | null => fields && adapt(fields);
  return comparable({
    key: record.key?.json ?? null,
    headers: record.headers,
    value: value && { ...value, before: row(value.before), after: row(value.after) },
  });
}

/** The old row without Debezium's placeholders. */
function keyOnly(fields: Fields): Fields {
  return Object.fromEntries(Object.keys(fields).map((name) => [name, name === 'id' ? fields[name] : null]));
}

/** The second table as it would have been recorded with `decimal.handling.mode=string`, and in full. */
function cust2Row(fields: Fields): Fields {
  const { balance, big } = fields;
  return {
    ...fields,
    balance: typeof balance === 'number' ? balance.toFixed(2) : balance,
    big: typeof big === 'string' && big.startsWith('xxxx') ? LONG : big,
  };
}

describe('As Debezium has it:', () => {
  test("a table snapshot's row", () => {
    expect(ours(customer[0])).toEqual(theirs('snapshot_read'));
    expect(envelopeOf(customer[0] ?? { value: null })?.source).toMatchObject({
      snapshot: 'incremental',
      txId: null,
      lsn: null,
      sequence: null,
    });
  });

  test('create and update', () => {
    expect(ours(customer[1])).toEqual(theirs('create'));
    expect(ours(customer[2])).toEqual(theirs('update'));
  });

  test('a changed key: delete, tombstone, create, that name each other', () => {
    expect(ours(customer[3])).toEqual(theirs('pk_change_delete', keyOnly));
    expect(ours(customer[4])).toEqual(theirs('pk_change_tombstone'));
    expect(ours(customer[5])).toEqual(theirs('pk_change_create'));
  });

  test('delete and tombstone', () => {
    expect(ours(customer[6])).toEqual(theirs('delete', keyOnly));
    expect(ours(customer[7])).toEqual(theirs('delete_tombstone'));
  });

  test('nulls stay nulls, also where the column has a default', () => {
    expect(ours(customer[8])).toMatchObject({
      after: { id: 20, active: null, balance: null, tags: null, d: null },
    });
    expect(ours(cust2[0])).toEqual(theirs('v2_create_explicit_nulls_kept', cust2Row));
  });

  test('an unchanged TOAST value, but read at the source: the row is gone by now or it is there', () => {
    const update = ours(cust2[1]);
    const withBig = (big: unknown): Fields =>
      theirs('v2_update_toast_unchanged', (fields) => ({ ...cust2Row(fields), big }));
    const gone = {
      ...withBig(UNAVAILABLE_VALUE),
      headers: { [GONE_HEADER]: 'true', [UNAVAILABLE_COLUMNS_HEADER]: '["big"]' },
    };
    expect([withBig(LONG), gone]).toContainEqual(update);
  });

  test('replica identity full', () => {
    expect(ours(cust2[2])).toEqual(theirs('v2_update_replica_identity_full', cust2Row));
    expect(ours(cust2[3])).toEqual(theirs('v2_delete_replica_identity_full', cust2Row));
    expect(ours(cust2[4])).toEqual(theirs('v2_delete_tombstone'));
  });

  test('a new column, and truncate', () => {
    expect(ours(cust2[5])).toEqual(theirs('v2_create_after_add_column', cust2Row));
    expect(ours(cust2[6])).toEqual(theirs('v2_truncate'));
    expect([customer.length, cust2.length]).toEqual([9, 7]);
  });
});

test('a streamed change says when, where and in what order it was made', () => {
  const sources = customer.flatMap((record) => envelopeOf(record)?.source ?? []).slice(1);
  for (const source of sources) {
    const [previous, own] = JSON.parse(source.sequence ?? '[]') as [string, string];
    expect(BigInt(own)).toBe(BigInt(source.lsn ?? 0));
    expect(BigInt(own)).toBeGreaterThanOrEqual(BigInt(previous));
    expect(source).toMatchObject({ name: PREFIX, db: bed.slot, snapshot: 'false', connector: 'postgresql' });
    expect(BigInt(source.ts_ns)).toBe(BigInt(source.ts_us) * 1_000n);
    expect(Math.floor(source.ts_us / 1_000)).toBe(source.ts_ms);
  }
  const lsns = sources.map((source) => BigInt(source.lsn ?? 0));
  expect(lsns).toEqual([...lsns].sort((a, b) => Number(a - b)));
});

test('an unchanged TOAST value is read at the source while the row is there', async () => {
  const [{ id } = {}] = await bed.sql(
    `INSERT INTO app.cust2 (id, name, big) VALUES (50, 'Old', '${LONG}') RETURNING id`,
  );
  await bed.sql('ALTER TABLE app.cust2 REPLICA IDENTITY DEFAULT');
  await bed.sql(`UPDATE app.cust2 SET name = 'New' WHERE id = $1`, [id]);
  await bed.sql(`UPDATE app.cust2 SET id = 51 WHERE id = $1`, [id]);
  await bed.caughtUp();
  const records = (await bed.records('app.cust2')).slice(cust2.length);
  const created = records.map(envelopeOf).find((envelope) => envelope?.after?.['id'] === 51);
  expect(created).toMatchObject({ op: 'c', after: { id: 51, name: 'New', big: LONG } });
});
