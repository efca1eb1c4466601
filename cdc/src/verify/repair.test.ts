import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { NotCaughtUpError } from './not-caught-up-error.ts';
import type { RowReread } from './row-reread.ts';
import { RowsUnreadableError } from '../capture/postgres/rows-unreadable-error.ts';
import { createNotesBed, type NotesBed } from '../../testing/beds/notes-test-bed.ts';
import { differencesOf } from './verify-state.ts';

let bed: NotesBed;
let asked: (readonly (readonly string[])[])[];
beforeEach(async () => {
  bed = await createNotesBed();
  asked = [];
  await bed.knex.raw(`UPDATE note SET text = 'wrong' WHERE note_id IN (3, 4)`);
});
afterEach(() => bed.close());

/** Brings rows from the n-th time on that they are asked for; before that something came in between. */
function bringsAt(attempts: Readonly<Record<string, number>>): Pick<RowReread, 'readAgain'> {
  return {
    async readAgain(_table, keys) {
      asked.push(keys);
      for (const [id = ''] of keys) {
        const row = bed.sourceRows.get(BigInt(id));
        if (row && asked.length >= (attempts[id] ?? 1)) await bed.write(row);
      }
    },
  };
}

const failsWith = (error: Error): Pick<RowReread, 'readAgain'> => ({
  readAgain: () => Promise.reject(error),
});

async function repair(reread: Pick<RowReread, 'readAgain'>): Promise<object> {
  const { tables } = await bed.run({ reread });
  return { left: differencesOf(tables), repaired: tables[0]?.repaired, notes: tables[0]?.notes };
}

test('rows that differ are read again, once when they come at once', async () => {
  expect(await repair(bringsAt({}))).toEqual({ left: 0, repaired: 2, notes: [] });
  expect(asked).toEqual([[['3'], ['4']]]);
});

test('rows that were changed meanwhile are read again, these alone, and three times at most', async () => {
  expect(await repair(bringsAt({ 3: 3, 4: 2 }))).toEqual({ left: 0, repaired: 2, notes: [] });
  expect(asked).toEqual([[['3'], ['4']], [['3'], ['4']], [['3']]]);
  await bed.knex.raw(`UPDATE note SET text = 'wrong' WHERE note_id = 3`);
  asked = [];
  expect(await repair(bringsAt({ 3: 4 }))).toEqual({ left: 1, repaired: 0, notes: [] });
  expect(asked).toHaveLength(3);
});

test.each([
  new RowsUnreadableError('table-busy', 'it is busy'),
  new NotCaughtUpError('not-caught-up', 'the feed stands still'),
])('what stands against it is told with what was found: %s', async (error) => {
  expect(await repair(failsWith(error))).toEqual({
    left: 2,
    repaired: 0,
    notes: [`rows of public.notes could not be read again: ${error.message}`],
  });
});

test('a failure of the source or the bus ends the verification, which goes on later', async () => {
  await expect(repair(failsWith(new Error('ECONNREFUSED')))).rejects.toThrow('ECONNREFUSED');
});
