import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { silentLogger } from '@banyan/kit';
import type { Knex } from 'knex';
import type { Bus } from '../bus/bus.ts';
import { openSqliteBus } from '../bus/sqlite/sqlite-bus.ts';
import type { ApplyBatch, ApplyStore } from './apply-store.ts';
import {
  createFolder,
  note,
  notesSlice,
  openNotes,
  rowRecord,
  until,
} from '../../testing/beds/consumer-test-bed.ts';
import { startConsumer, type Consumer } from './consumer.ts';
import { createSqliteApplyStore } from './stores/sqlite/sqlite-apply-store.ts';

const BATCH_BYTES = 8_000_000;
const RECORDS = 10;

let folder: Awaited<ReturnType<typeof createFolder>>;
let knex: Knex;
let bus: Bus;
let consumer: Consumer | undefined;

beforeEach(async () => {
  folder = await createFolder();
  knex = await openNotes(folder.file('store.sqlite'));
  bus = await openSqliteBus({ file: folder.file('bus.sqlite') });
});
afterEach(async () => {
  await consumer?.close();
  await bus.close();
  await knex.destroy();
  await folder.remove();
});

const charsOf = ({ tables }: ApplyBatch): number =>
  tables.reduce((sum, { change }) => sum + JSON.stringify(change.upserts).length, 0);

test('a slow store slows the reading of the bus, which never holds more than a batch of bounded bytes', async () => {
  const ids = Array.from({ length: RECORDS }, (_, id) => id);
  await bus.append(ids.map((id) => rowRecord('c', note(id, { body: 'x'.repeat(1_000_000) }))));
  const real = createSqliteApplyStore({ knex });
  const batches: { readonly chars: number; readonly goOn: () => void }[] = [];
  const slow: ApplyStore = {
    ...real,
    async apply(batch) {
      await new Promise<void>((goOn) => batches.push({ chars: charsOf(batch), goOn: () => goOn() }));
      await real.apply(batch);
    },
  };
  const about = { slice: notesSlice, group: 'notes', prefix: 'shop', logger: silentLogger };
  consumer = await startConsumer({ ...about, bus, store: slow });
  for (let done = 0; (consumer.report().tables[0]?.appliedRows ?? 0) < RECORDS; done += 1) {
    await until(() => batches.length > done, 'the next batch');
    // Nothing more is read while this one is in hand.
    const before = batches.length;
    await bus.ends(['shop.public.notes']); // a turn of the same connection that reading takes
    expect(batches).toHaveLength(before);
    expect(before).toBe(done + 1);
    batches[done]?.goOn();
    const applied = done + 1;
    await until(
      () => batches.length > applied || consumer?.report().tables[0]?.appliedRows === RECORDS,
      'the batch to be applied',
    );
  }
  expect(batches.length).toBeGreaterThan(RECORDS / 8);
  for (const { chars } of batches) expect(chars).toBeLessThan(BATCH_BYTES + 100_000);
});
