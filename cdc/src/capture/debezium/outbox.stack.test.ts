/** Debezium's outbox event router as Banyan sets it up: nothing that is written stops it, or is told twice. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { outboxTopic } from '@banyan/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../testing/beds/reader-test-bed.ts';
import { createDebeziumFeed } from './debezium-feed.ts';
import { createDebeziumTestBed, type DebeziumTestBed } from '../../../testing/beds/debezium-test-bed.ts';

const OUTBOX = 'public.outbox';
let dbz: DebeziumTestBed;
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

beforeAll(async () => {
  dbz = await createDebeziumTestBed('outbox', { outboxTable: OUTBOX });
});
afterAll(() => dbz.close());

async function write(type: string, id: string | number): Promise<void> {
  await dbz.bed.sql('INSERT INTO outbox (aggregatetype, aggregateid, payload) VALUES ($1, $2, $3)', [
    type,
    id,
    '{}',
  ]);
}

async function keys(type: string): Promise<readonly (string | null)[]> {
  return (await dbz.topicRecords(outboxTopic(type))).map(({ key }) => key);
}

test('a table that is no outbox is refused before there is a connector', async () => {
  await dbz.bed.sql(
    'CREATE TABLE outbox (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), aggregatetype text)',
  );
  await expect(dbz.source.ensureTables([OUTBOX], signal())).rejects.toMatchObject({
    problems: [
      {
        problem: 'not-an-outbox',
        found: 'aggregatetype may be null; aggregateid is missing; payload is missing',
      },
    ],
  });
  expect(await dbz.source.state(signal())).toEqual({ state: 'absent' });
});

test('Connect killed mid-stream, twice: every event once, in order, whatever becomes of its row', async () => {
  await dbz.bed.sql(
    `ALTER TABLE outbox ALTER aggregatetype SET NOT NULL, ADD aggregateid text NOT NULL, ADD payload jsonb`,
  );
  await dbz.source.ensureTables([OUTBOX], signal());
  let written = 0;
  const over = new AbortController();
  const writer = (async () => {
    while (!over.signal.aborted) {
      written += 1;
      await write('order', written);
      if (written % 20 === 0) await dbz.bed.sql('UPDATE outbox SET payload = NULL');
      if (written % 30 === 0) await dbz.bed.sql('DELETE FROM outbox');
      if (written % 100 === 0) await dbz.bed.sql('TRUNCATE outbox');
      await sleep(2); // a few hundred a second: the backlog after a kill is to be read in this test
    }
  })();
  for (let kill = 0; kill < 2; kill += 1) {
    const before = written;
    await eventually('events are written', () => written > before + 300);
    await dbz.kafka.stack.connect.kill();
    await dbz.kafka.stack.connect.start();
    await eventually('it runs again', () =>
      dbz.source.state(signal()).then(
        ({ state }) => state === 'running',
        () => false,
      ),
    );
  }
  over.abort();
  await writer;
  await dbz.caughtUp();
  expect(await keys('order')).toEqual(
    Array.from({ length: written }, (_, n) => JSON.stringify(String(n + 1))),
  );
}, 180_000);

test('a column that was renamed fails the connector, with the reason; without the setting it goes on', async () => {
  await dbz.bed.sql('ALTER TABLE outbox RENAME payload TO body');
  await dbz.bed.sql(
    `INSERT INTO outbox (aggregatetype, aggregateid, body) VALUES ('order', 'renamed', '{}')`,
  );
  const failed = await eventually('it has failed', async () => {
    const state = await dbz.source.state(signal());
    return state.state === 'failed' && state;
  });
  expect(failed.reason).toContain('Unable to find payload field payload in event');
  const without = createDebeziumFeed({ ...dbz.sourceOptions, outboxTable: undefined });
  try {
    await without.start(signal());
    await dbz.caughtUp();
    expect((await dbz.records(OUTBOX)).at(-1)?.value).toContain('"aggregateid":"renamed"');
  } finally {
    await without.close();
  }
});
