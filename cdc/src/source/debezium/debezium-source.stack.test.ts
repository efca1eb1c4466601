import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createDebeziumTestBed, type DebeziumTestBed } from './debezium-test-bed.ts';
import { eventually } from '../../reader/reader-test-bed.ts';

let dbz: DebeziumTestBed;
beforeAll(async () => {
  dbz = await createDebeziumTestBed('source');
  await dbz.bed.sql(`
    CREATE TABLE public.items (id bigint PRIMARY KEY, name text NOT NULL DEFAULT 'none', price numeric(12,2), body text);
    INSERT INTO public.items SELECT i, 'item ' || i, i / 3.0, NULL FROM generate_series(1, 3000) i`);
});
afterAll(async () => {
  const t = Date.now(); console.log(await dbz.bus.topics()); await dbz.source.remove(AbortSignal.timeout(100000)).then(() => console.log('removed', Date.now() - t), (e) => console.log('remove', e, Date.now() - t));

  await dbz.close();
});

const signal = (): AbortSignal => AbortSignal.timeout(60_000);

test('a', async () => {
  let t = Date.now();
  const lap = (w: string): void => {
    console.log(w, Date.now() - t);
    t = Date.now();
  };
  expect(await dbz.source.state(signal())).toEqual({ state: 'absent' });
  await dbz.source.start(signal());
  lap('start');
  await dbz.source.ensureTables(['public.items'], signal());
  lap('ensure');
  await dbz.source.ensureTables(['public.items'], signal());
  lap('ensure again');
  await dbz.snapshot(['public.items']).catch(async (e) => {
    console.log(
      e,
      await dbz.bus.topics(),
      await dbz.bus.read({ topic: 'shop.notifications', partition: 0, nextOffset: 0 }, 100),
    );
    throw e;
  });
  lap('snapshot');
  await dbz.bed.sql(`UPDATE public.items SET name = 'x' WHERE id = 1`);
  await dbz.caughtUp();
  lap('caught up');
  await dbz.caughtUp();
  lap('caught up');
  const records = await dbz.records('public.items');
  lap('records');
  console.log(records.length, records.at(0), records.at(-1), await dbz.bus.topics());
  console.log(await dbz.bus.read({ topic: 'shop.notifications', partition: 0, nextOffset: 0 }, 100));
  await eventually('hb', async () => (await dbz.heartbeats()).length > 3);
  console.log((await dbz.heartbeats()).at(-1), await dbz.bed.sql('select * from banyan.signal'));
});
