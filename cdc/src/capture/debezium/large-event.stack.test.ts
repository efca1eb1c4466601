/** An event of the outbox that Kafka does not take: the outbox is left out and says why, and the others go on. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { outboxTopic } from '@banyan/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../testing/beds/reader-test-bed.ts';
import { createDebeziumTestBed, type DebeziumTestBed } from '../../../testing/beds/debezium-test-bed.ts';

const OUTBOX = 'public.outbox';
let dbz: DebeziumTestBed;
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

beforeAll(async () => {
  dbz = await createDebeziumTestBed('large_event', { outboxTable: OUTBOX });
  await dbz.bed.sql(`
    CREATE TABLE other (id int PRIMARY KEY);
    CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text NOT NULL,
      aggregateid text NOT NULL, payload jsonb)`);
  await dbz.source.ensureTables(['public.other', OUTBOX], signal());
}, 240_000);
afterAll(() => dbz.close());

async function write(id: string): Promise<void> {
  await dbz.bed.sql(`INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ('large', $1, '{}')`, [
    id,
  ]);
}

test('an event too large takes the outbox out, and no other table; once its row is gone the outbox comes back', async () => {
  await dbz.bed.sql(`
    BEGIN;
    INSERT INTO other VALUES (1);
    INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ('large', 'before', '{}');
    INSERT INTO outbox (aggregatetype, aggregateid, payload)
      VALUES ('large', 'too-large', to_jsonb(repeat('x', 34000000)));
    COMMIT`);
  const done: string[] = [];
  await eventually(
    'the feed runs without it',
    async () => {
      const what = await dbz.source.mend(signal());
      if (what !== null) done.push(what);
      await sleep(100);
      return done.length > 0 && (await dbz.source.state(signal())).state === 'running';
    },
    120_000,
  );
  expect(done[0]).toMatch(
    /^public\.outbox was taken out of the feed: a record of 34,\d{3},\d{3} bytes is larger/,
  );
  await write('meanwhile');
  await dbz.bed.sql('INSERT INTO other VALUES (2)');
  await dbz.caughtUp();
  expect((await dbz.records('public.other')).map(({ key }) => key)).toEqual(['{"id":1}', '{"id":2}']);
  await expect(dbz.source.ensureTables([OUTBOX], signal())).rejects.toMatchObject({
    problems: [{ problem: 'record-too-large', remedy: expect.stringContaining('banyan feed readmit') }],
  });
  expect(await dbz.source.feedMembership([OUTBOX], signal())).toMatch(/public\.outbox=absent$/);
  // What `banyan feed readmit` does, and the table snapshot that a person asks for.
  await dbz.bed.sql(`DELETE FROM outbox WHERE aggregateid = 'too-large'`);
  await dbz.source.removeTables([OUTBOX], signal());
  await dbz.source.ensureTables([OUTBOX], signal());
  await write('after');
  await dbz.snapshot([OUTBOX]);
  await dbz.caughtUp();
  const told = (await dbz.topicRecords(outboxTopic('large'))).map(({ key }) => key);
  expect(new Set(told)).toEqual(new Set(['"before"', '"meanwhile"', '"after"']));
  expect(await dbz.source.feedPosition(signal())).toMatchObject({ incarnation: 1, failure: null });
}, 240_000);
