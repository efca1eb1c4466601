import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../testing/beds/reader-test-bed.ts';
import { parseLsn } from '../../rows/lsn.ts';
import { createDebeziumTestBed, type DebeziumTestBed } from '../../../testing/beds/debezium-test-bed.ts';

let dbz: DebeziumTestBed;
const signal = (): AbortSignal => AbortSignal.timeout(60_000);
beforeAll(async () => {
  // So seldom that nothing moves the slot meanwhile.
  dbz = await createDebeziumTestBed('rest', { heartbeatIntervalMs: 60_000 });
  await dbz.source.start(signal());
}, 180_000);
afterAll(async () => {
  await dbz.close();
}, 180_000);

test('a slot that is read and stands still is moved on by a commit, and no signal stays behind', async () => {
  const ends = async (): Promise<string> =>
    String((await dbz.bed.sql('SELECT pg_current_wal_insert_lsn() AS lsn'))[0]?.['lsn']);
  const done: (string | null)[] = [];
  let end = await ends();
  while (!done.includes('the slot stood still, and a commit was written to move it on')) {
    await sleep(500);
    end = await ends();
    done.push(await dbz.source.mend(signal()));
  }
  await eventually('the commit moves the slot', async () => {
    const { confirmedFlushLsn } = await dbz.source.slotStatus(signal());
    return parseLsn(confirmedFlushLsn ?? '0/0') > parseLsn(end);
  });
  expect(await dbz.bed.sql('SELECT id FROM banyan.signal')).toEqual([]);
}, 180_000);
