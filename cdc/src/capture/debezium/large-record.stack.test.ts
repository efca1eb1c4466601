/** A record that Kafka does not take: its table is left out and says why, and the others go on. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { tableTopic } from '@banyan/contracts';
import kafkajs from 'kafkajs';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, PREFIX } from '../../../testing/beds/reader-test-bed.ts';
import { createDebeziumTestBed, type DebeziumTestBed } from '../../../testing/beds/debezium-test-bed.ts';

let dbz: DebeziumTestBed;
let others = 0;
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

beforeAll(async () => {
  dbz = await createDebeziumTestBed('large');
  await dbz.bed.sql(`
    CREATE TABLE big (id int PRIMARY KEY, body text, data bytea);
    CREATE TABLE large (id int PRIMARY KEY, body text);
    CREATE TABLE other (id int PRIMARY KEY)`);
  await dbz.source.ensureTables(['public.big', 'public.large', 'public.other'], signal());
}, 180_000);
afterAll(async () => {
  await dbz.close();
});
beforeEach(async () => {
  await dbz.bed.sql('DELETE FROM big');
  await dbz.source.ensureTables(['public.big'], signal());
});

/** As the control plane does, all the time, until the feed runs again. @returns what was done. */
async function mended(): Promise<readonly string[]> {
  const done: string[] = [];
  await eventually('the feed runs after a table was taken out', async () => {
    const what = await dbz.source.mend(signal());
    if (what !== null) done.push(what);
    await sleep(100);
    const isOut = done.some((text) => text.includes('taken out'));
    return isOut && (await dbz.source.state(signal())).state === 'running';
  });
  return done;
}

/** What was written to others before and after is told; `big` is not in the feed, and says why. */
async function bigAloneIsOut(done: readonly string[]): Promise<void> {
  expect(done.filter((text) => text.includes('taken out'))).toEqual([
    expect.stringMatching(
      /^public\.big was taken out of the feed: a record of 3\d,\d{3},\d{3} bytes is larger/,
    ),
  ]);
  others += 1;
  await dbz.bed.sql('INSERT INTO other VALUES ($1)', [others]);
  await dbz.caughtUp();
  expect(await dbz.records('public.other')).toHaveLength(others);
  expect(await dbz.source.feedPosition(signal())).toMatchObject({ incarnation: 1, failure: null });
  expect(await dbz.source.feedMembership(['public.big'], signal())).toMatch(/ public\.big=absent$/);
  const asked = dbz.source.ensureTables(['public.big', 'public.large'], signal());
  await expect(asked).rejects.toMatchObject({
    problems: [
      {
        table: 'public.big',
        problem: 'record-too-large',
        found: expect.stringMatching(/^a record of [\d,]+ bytes is larger than 33,554,432 bytes/),
        remedy: expect.stringMatching(/banyan rollback.*banyan advance/),
      },
    ],
  });
  expect(await dbz.source.mend(signal())).toBeNull();
}

/** What a rollback and a new beginning do, once the row is smaller. */
async function bigIsBack(): Promise<void> {
  await dbz.bed.sql(`UPDATE big SET body = 'small', data = NULL`);
  await dbz.source.removeTables(['public.big'], signal());
  await dbz.source.ensureTables(['public.big'], signal());
  await dbz.snapshot(['public.big']);
  const last = (await dbz.records('public.big')).findLast(({ value }) => value !== null);
  expect(last?.value).toContain('"body":"small"');
  expect(await dbz.source.mend(signal())).toBeNull();
}

test.each([
  ['a text', `INSERT INTO big VALUES (1, repeat('x', 34000000))`],
  [
    'an update under identity FULL, with the old row',
    `
    ALTER TABLE big REPLICA IDENTITY FULL;
    INSERT INTO big VALUES (1, repeat('x', 17500000));
    UPDATE big SET body = body || 'y';
    ALTER TABLE big REPLICA IDENTITY DEFAULT`,
  ],
  ['bytes, which are told as Base64', `INSERT INTO big SELECT 1, '', decode(repeat('ab', 27000000), 'hex')`],
])(
  '%s: the table alone is left out, and comes back after a rollback',
  async (_, sql) => {
    others += 1;
    await dbz.bed.sql('INSERT INTO other VALUES ($1)', [others]);
    // Large too, but not too large: it is not taken for the one that is.
    await dbz.bed.sql(`INSERT INTO large VALUES ($1, repeat('z', 9000000))`, [others]);
    await dbz.bed.sql(sql);
    await bigAloneIsOut(await mended());
    await bigIsBack();
  },
  180_000,
);

test('a row that a table snapshot reads', async () => {
  await dbz.source.removeTables(['public.big'], signal());
  await dbz.bed.sql(`INSERT INTO big VALUES (1, repeat('x', 34000000))`);
  await dbz.source.ensureTables(['public.big'], signal());
  await dbz.source.requestTableSnapshot(['public.big'], signal());
  await bigAloneIsOut(await mended());
  await bigIsBack();
}, 180_000);

test('a limit of the broker, which does not say how large: tables go out until it is the right one', async () => {
  await dbz.kafka.administer((admin) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: tableTopic(PREFIX, 'public.big'),
          configEntries: [{ name: 'max.message.bytes', value: '2000000' }],
        },
      ],
    }),
  );
  await dbz.bed.sql(`
    BEGIN;
    INSERT INTO large VALUES (1000, repeat('z', 9000000));
    INSERT INTO big VALUES (1, repeat('x', 3000000));
    COMMIT`);
  const done = new Set<string>();
  await eventually('both are out', async () => {
    const what = await dbz.source.mend(signal());
    if (what?.includes('taken out')) done.add(what);
    await sleep(100);
    return done.size === 2 && (await dbz.source.state(signal())).state === 'running';
  });
  const why = 'was taken out of the feed: the broker refused a record as too large';
  expect([...done].toSorted()).toEqual([`public.big ${why}`, `public.large ${why}`]);
  others += 1;
  await dbz.bed.sql('INSERT INTO other VALUES ($1)', [others]);
  await dbz.caughtUp();
  expect(await dbz.records('public.other')).toHaveLength(others);
}, 180_000);
