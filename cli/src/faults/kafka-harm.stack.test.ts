import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DatabaseSync } from 'node:sqlite';
import type { QuarantineListResponse, QuarantineRetryResponse } from '@banyan/contracts';
import { FullStack } from './full-stack.ts';
import { until } from './stack.ts';

/** Data, topics and tables of a full stack are harmed while reviews are written. */
const full = new FullStack();
const { stack } = full;
const REVIEWS = 'shop.public.reviews';

beforeAll(async () => {
  await full.start();
}, 240_000);
beforeEach(async () => {
  await full.inSync();
  full.write();
  await full.goesOnWriting();
}, 180_000);
afterEach(() => full.stopWriting());
afterAll(async () => {
  await full.close();
}, 180_000);

async function quarantined(): Promise<number | null> {
  const { tables } = await stack.slice();
  return tables.find(({ source }) => source === 'public.reviews')?.quarantined ?? null;
}

async function sql(...statements: readonly string[]): Promise<void> {
  await full.onDatabase(async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

/** A review that was there before anybody wrote. */
async function someReview(): Promise<string> {
  return await full.onDatabase(async (client) => {
    const { rows } = await client.query<{ id: string }>('SELECT min(id)::text AS id FROM reviews');
    return rows[0]?.id ?? '';
  });
}

/** Changes the service's own tables behind its back. */
function onStore(statement: string): void {
  const store = new DatabaseSync(stack.home.file('reviews.sqlite'), { timeout: 10_000 });
  try {
    store.exec(statement);
  } finally {
    store.close();
  }
}

/** What is in quarantine, and that status names it. */
async function errorsOf(key: string): Promise<QuarantineListResponse['queues']> {
  const { stdout } = await stack.banyan(['status']);
  expect(stdout).toContain('NOT in sync');
  expect(stdout).toContain(`public.reviews [${key}]`);
  expect(stdout).toContain('banyan quarantine list reviews');
  return (await stack.json<QuarantineListResponse>('quarantine', 'list', 'reviews')).queues;
}

async function copyAnew(): Promise<void> {
  await stack.json('resync', 'reviews', '--reason', 'a record that stays in quarantine', '--wait');
  await full.newCopy();
}

describe('a poison record', () => {
  test('that is no envelope goes into quarantine by name, the rest goes on, and a new copy releases it', async () => {
    await full.notInSyncDuring(async () => {
      await full.produce(REVIEWS, { key: '{"id":999999999}', value: 'no envelope at all' });
      await until('it is in quarantine', async () => (await quarantined()) === 1);
      expect(await errorsOf('999999999')).toMatchObject([
        {
          table: 'public.reviews',
          key: ['999999999'],
          waiting: 0,
          reason: 'the value is not JSON',
          payload: { kind: 'unreadable' },
        },
      ]);
      await full.goesOnWriting();
      await full.stopWriting();
      await full.nothingAcknowledgedIsLost();
    });
    await copyAnew();
    await full.nothingIsLost();
  }, 300_000);

  test('that the store refuses goes into quarantine with what follows of its row; a retry applies both once the store is fixed', async () => {
    const id = await someReview();
    onStore(`CREATE TRIGGER not_so_helpful BEFORE INSERT ON review WHEN NEW.helpful = 4711
      BEGIN SELECT RAISE(ABORT, 'more than the service counts'); END`);
    await full.notInSyncDuring(async () => {
      await sql(`UPDATE reviews SET helpful_count = 4711 WHERE id = ${id}`);
      await until('it is in quarantine', async () => (await quarantined()) === 1);
      await sql(`UPDATE reviews SET title = title || '!' WHERE id = ${id}`);
      await until('both are in quarantine', async () => (await quarantined()) === 2);
      expect(await errorsOf(id)).toMatchObject([
        {
          table: 'public.reviews',
          key: [id],
          waiting: 1,
          reason: expect.stringContaining('more than the service counts'),
        },
      ]);
      const refused = await stack.banyan(['quarantine', 'retry', 'reviews', '--key', id, '--json']);
      expect(refused.code).toBe(1);
      await full.goesOnWriting();
      await full.stopWriting();
      await full.nothingAcknowledgedIsLost();
    });
    onStore('DROP TRIGGER not_so_helpful');
    const retried = await stack.json<QuarantineRetryResponse>('quarantine', 'retry', 'reviews', '--key', id);
    expect(retried).toMatchObject({ applied: 1, refused: 0 });
    await full.nothingIsLost();
  }, 300_000);
});

describe('a topic is deleted', () => {
  test('the one of reviews: the feed restarts by itself, and so does the copy', async () => {
    const lastId = await full.lastEntry();
    const { incarnation } = await full.feed();
    await full.notInSyncDuring(async () => {
      await full.deleteTopic(REVIEWS);
      // Said by whoever finds out first: the service, whose records are gone, or the one who looks after Debezium.
      expect(await full.resyncAfter(lastId)).toMatch(
        /is lost: the bus dropped|shop\.public\.reviews was deleted/,
      );
    });
    await until('the feed is another one', async () => {
      const feed = await full.feed();
      expect(feed.incarnationReason).toContain('shop.public.reviews was deleted');
      return feed.incarnation === (incarnation ?? 0) + 1;
    });
    await full.newCopy();
    await full.goesOnWriting();
    await full.nothingIsLost();
  }, 300_000);

  test('the one of heartbeats: it is made again, and no copy is resynced for that', async () => {
    const lastId = await full.lastEntry();
    await full.deleteTopic('__debezium-heartbeat.shop');
    const deletedAtMs = Date.now();
    await until('a heartbeat comes all the way', async () => {
      const { sync } = await stack.slice();
      return (sync?.heartbeatAtMs ?? 0) > deletedAtMs + 2_000;
    });
    await full.inSync();
    await full.goesOnWriting();
    await full.nothingIsLost();
    expect((await full.journal()).filter(({ id, verb }) => id > lastId && verb === 'resync')).toEqual([]);
  }, 300_000);
});

describe("the monolith's table changes", () => {
  test('columns come, widen and go: the stream goes on, and no copy is resynced', async () => {
    const lastId = await full.lastEntry();
    const id = await someReview();
    for (const statements of [
      [`ALTER TABLE reviews ADD COLUMN origin text NOT NULL DEFAULT 'web'`],
      [`UPDATE reviews SET origin = 'app', helpful_count = helpful_count + 1 WHERE id = ${id}`],
      ['ALTER TABLE reviews ALTER COLUMN rating TYPE integer'],
      ['ALTER TABLE reviews ALTER COLUMN title TYPE text'],
      ['ALTER TABLE reviews DROP COLUMN origin'],
    ]) {
      await sql(...statements);
      await full.goesOnWriting();
    }
    await full.nothingIsLost();
    expect((await full.journal()).filter(({ id, verb }) => id > lastId && verb === 'resync')).toEqual([]);
    expect(await quarantined()).toBe(0);
  }, 300_000);

  test('a column that the mapping needs is renamed: its rows go into quarantine with the reason, and nothing is lost', async () => {
    const id = await someReview();
    await full.notInSyncDuring(async () => {
      await sql(
        'ALTER TABLE reviews RENAME COLUMN title TO heading',
        `UPDATE reviews SET heading = heading || ' (edited)' WHERE id = ${id}`,
      );
      await until('it is in quarantine', async () => ((await quarantined()) ?? 0) > 0);
      expect(await errorsOf(id)).toMatchObject([
        { key: [id], reason: 'public.reviews: the event has no column "title"' },
      ]);
      await sql('ALTER TABLE reviews RENAME COLUMN heading TO title');
      await full.goesOnWriting();
      await full.stopWriting();
      await full.nothingAcknowledgedIsLost();
    });
    // What was written under the other name is on the bus under that name for good.
    await copyAnew();
    await full.nothingIsLost();
  }, 300_000);
});

test('after all that every gate of the next step passes', async () => {
  await until(
    'all gates pass',
    async () => {
      const { gates } = await stack.slice();
      const open = gates.filter(({ verdict }) => verdict !== 'pass');
      expect(open).toEqual([]);
      return true;
    },
    120_000,
  );
}, 180_000);
