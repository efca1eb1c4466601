import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { FullStack } from './full-stack.ts';
import { until } from './stack.ts';

/** A row that Kafka does not take, from the shop to `status` and back. */
const full = new FullStack();
const { stack } = full;

beforeAll(async () => {
  await full.start();
  await full.inSync();
}, 240_000);

afterAll(async () => {
  await full.close();
}, 180_000);

test('status names table, reason and commands, and after these the copy is in sync', async () => {
  const sql = (text: string): Promise<unknown> => full.onDatabase((client) => client.query(text));
  await sql(`UPDATE reviews SET body = repeat('x', 34000000) WHERE id = 2`);
  await until(
    'status says what is the matter',
    async () => {
      const { stdout } = await stack.banyan(['status']);
      return /public\.reviews.*Kafka does not take a record.*larger than 33,554,432.*banyan rollback/s.test(
        stdout,
      );
    },
    120_000,
  );
  expect((await stack.slice()).inSync).toBe(false);
  await until('the feed runs', async () => (await full.feed()).state === 'running');
  expect(await full.feed()).toMatchObject({ incarnation: 1 });

  await sql(`UPDATE reviews SET body = 'short again' WHERE id = 2`);
  await stack.json('rollback', 'reviews', '--reason', 'a row was too large', '--wait');
  await stack.json('advance', 'reviews', '--wait');
  await full.inSync();
  await full.equalCopies();
}, 300_000);
