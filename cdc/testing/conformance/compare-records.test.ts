import { expect, test } from '@jest/globals';
import type { BusRecord } from '../../src/bus/bus.ts';
import { compareRecords } from './compare-records.ts';

function record(value: unknown, parts: Partial<BusRecord> = {}): BusRecord {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return { topic: 't', key: '{"id":1}', headers: {}, value: value === null ? null : text, ...parts };
}

const created = { before: null, after: { id: 1, a: null }, source: { lsn: 1, ts_ms: 5 }, op: 'c', ts_ms: 7 };

test('equal records have no difference, whenever they were made', () => {
  expect(compareRecords('t', [record(created)], [record({ ...created, ts_ms: 8 })])).toEqual([]);
});

test.each([
  ['a value', { ...created, after: { id: 1, a: 0 } }, 'after.a'],
  ['a column that is left out', { ...created, after: { id: 1 } }, 'after.a'],
  ['a column too many', { ...created, after: { id: 1, a: null, b: null } }, 'after.b'],
  ['the order of columns', { ...created, after: { a: null, id: 1 } }, 'after: order'],
  ['the commit time', { ...created, source: { lsn: 1, ts_ms: 6 } }, 'source.ts_ms'],
  ['the operation', { ...created, op: 'u' }, 'op'],
])('%s is told', (_, other, field) => {
  const found = compareRecords('t', [record(created)], [record(other)]);
  expect(found.map((difference) => difference.field)).toEqual([field]);
});

test('keys, headers, tombstones and integers beyond 2^53 are compared', () => {
  const large = (n: string): BusRecord => record(`{"after":{"n":${n}},"op":"c"}`);
  const fields = (one: BusRecord, other: BusRecord): string[] =>
    compareRecords('t', [one], [other]).map(({ field }) => field);
  expect(fields(large('9007199254740993'), large('9007199254740992'))).toEqual(['after.n']);
  expect(fields(record(null), record(null, { headers: { a: '1' } }))).toEqual(['headers.a']);
  expect(fields(record(null), record(null, { key: '{"id": 1}' }))).toEqual(['key']);
  expect(fields(record(null), record(created))).toContain('op');
});

test('events, which are no envelopes, are compared as they are written', () => {
  const event = (value: string): BusRecord => record(value, { key: '"1"', headers: { id: 'a' } });
  expect(compareRecords('t', [event('"{\\"a\\": 1}"')], [event('"{\\"a\\": 1}"')])).toEqual([]);
  expect(compareRecords('t', [event('"1"'), event('null')], [event('1'), record(null)])).toMatchObject([
    { record: 0, op: 'event', field: 'value', embedded: '"1"', debezium: '1' },
    { record: 1, field: 'key' },
    { record: 1, field: 'headers.id' },
    { record: 1, field: 'value', embedded: 'null', debezium: null },
  ]);
});

test('a record that only one side has is a difference', () => {
  expect(compareRecords('t', [], [record(null)])).toMatchObject([
    { record: 0, op: 'none', field: 'key', embedded: undefined, debezium: '{"id":1}' },
    { field: 'value' },
  ]);
});

test('times of reading are left out for rows of a table snapshot alone', () => {
  const read = { ...created, op: 'r' };
  expect(compareRecords('t', [record(read)], [record({ ...read, source: { lsn: 1, ts_ms: 6 } })])).toEqual(
    [],
  );
});
