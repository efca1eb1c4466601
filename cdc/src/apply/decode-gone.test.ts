import { expect, test } from '@jest/globals';
import { GONE_HEADER, UNAVAILABLE_VALUE } from '@banyan/contracts';
import { note, notesSlice, rowRecord } from '../../testing/beds/consumer-test-bed.ts';
import { decodeRecord } from './decode.ts';
import { compileMapping } from '../rows/mapping.ts';

const [mapping] = notesSlice.tables;
if (!mapping) throw new Error('the slice has a table');
const table = compileMapping(mapping);

function kindOf(body: string, headers: Readonly<Record<string, string>>): string | undefined {
  const record = { ...rowRecord('u', note(1, { body })), headers, partition: 0, offset: 0, storedAtMs: 0 };
  const decoded = decodeRecord(record, table);
  return decoded.kind === 'change' ? decoded.change.kind : undefined;
}

test('a change of a row that is gone, with a value that nobody has any more, deletes the row', () => {
  expect(kindOf(UNAVAILABLE_VALUE, { [GONE_HEADER]: 'true' })).toBe('delete');
});

test('one that has all its values is applied as it is, and so is one whose row is there', () => {
  expect(kindOf('whole', { [GONE_HEADER]: 'true' })).toBe('upsert');
  expect(kindOf(UNAVAILABLE_VALUE, {})).toBe('upsert');
});
