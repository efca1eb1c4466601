import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { note } from '../../testing/beds/consumer-test-bed.ts';
import { createNotesBed, ROWS, same, type NotesBed } from '../../testing/beds/notes-test-bed.ts';

let bed: NotesBed;
beforeEach(async () => {
  bed = await createNotesBed();
});
afterEach(() => bed.close());

describe('while the source is written to', () => {
  test('a copy that lags is no difference', async () => {
    bed.change(5n, note(5n, { body: 'newer' }));
    bed.change(30n, note(30n));
    bed.change(25n, null);
    bed.onCaughtUp = async () => {
      await bed.write(note(5n, { body: 'newer' }), note(30n));
      await bed.knex.raw('DELETE FROM note WHERE note_id = 25');
    };
    expect(await bed.verify()).toEqual({ ...same, differences: 0 });
    expect(bed.waits).toBeGreaterThan(0);
  });

  test('a copy that lags and is wrong is a difference', async () => {
    bed.change(5n, note(5n, { body: 'newer' }));
    await bed.knex.raw("UPDATE note SET text = 'wrong' WHERE note_id = 6");
    bed.onCaughtUp = () => bed.write(note(5n, { body: 'newer' }));
    expect(await bed.verify()).toMatchObject({
      differences: 1,
      examples: ['public.notes [6]: different in the service (text)'],
    });
  });

  test('a row that changes during the second look is looked at again', async () => {
    bed.change(5n, note(5n, { body: 'v1' }));
    let version = 1;
    bed.onCaughtUp = async () => {
      await bed.write(note(5n, { body: `v${version}` }));
      // The source moves on before it is read again, twice; then it rests.
      if (version < 3) bed.change(5n, note(5n, { body: `v${(version += 1)}` }));
    };
    expect(await bed.verify()).toEqual(same);
    expect(bed.waits).toBe(3);
  });

  test('an update that the copy lost is found though the row goes on changing for a while', async () => {
    bed.change(5n, note(5n, { body: 'v1' }));
    let version = 1;
    bed.onSourceRead = () => {
      if (version < 4) bed.change(5n, note(5n, { body: `v${(version += 1)}` }));
    };
    expect(await bed.verify()).toMatchObject({
      examples: [expect.stringMatching(/^public.notes \[5\]: different in the service \(text/)],
    });
  });

  test('a row that never rests does not pass', async () => {
    let version = 0;
    bed.onSourceRead = () => {
      version += 1;
      bed.change(5n, note(5n, { body: `v${version}` }));
    };
    expect(await bed.verify()).toMatchObject({
      differences: 1,
      examples: ['public.notes [5]: changes so often that it could not be compared'],
    });
  });

  test('a row that goes to and fro is not called different when both readings find it the same', async () => {
    // The copy holds B, rightly: the source goes A, B, A between its readings.
    bed.change(5n, note(5n, { body: 'A' }));
    await bed.write(note(5n, { body: 'B' }));
    let reads = 0;
    bed.onSourceRead = () => {
      reads += 1;
      if (reads > 4) return;
      bed.change(5n, note(5n, { body: 'B' }));
      bed.change(5n, note(5n, { body: 'A' }));
    };
    bed.onCaughtUp = () => (reads >= 4 ? bed.write(bed.sourceRows.get(5n) ?? note(5n)) : Promise.resolve());
    expect(await bed.verify()).toEqual({ ...same, differences: 0 });
  });

  test('a row that comes and goes again is not called extra', async () => {
    bed.change(12n, null);
    await bed.knex.raw('DELETE FROM note WHERE note_id = 12');
    // Whoever looks at the copy first finds a row that the source has deleted since.
    await bed.write(note(12n, { body: 'first' }));
    let looks = 0;
    bed.onCaughtUp = async () => {
      looks += 1;
      if (looks === 1) await bed.write(note(12n, { body: 'second' }));
      else await bed.knex.raw('DELETE FROM note WHERE note_id = 12');
    };
    expect(await bed.verify()).toMatchObject({ rowsSource: ROWS - 1, rowsTarget: ROWS - 1, differences: 0 });
  });
});
