import { expect, test } from '@jest/globals';
import { DatabaseSync } from 'node:sqlite';
import type { QuarantineSkipResponse } from '@banyan/contracts';
import pg from 'pg';
import { until, type Stack } from './stack.ts';

/** What a skip does on either stack, by the command line alone. */
export function describeSkip(stack: Stack): void {
  test('a skip releases what is in quarantine, once the service does not refuse the row', async () => {
    const store = new DatabaseSync(stack.home.file('reviews.sqlite'), { timeout: 10_000 });
    const shop = new pg.Client(stack.secret('source.url'));
    await shop.connect();
    try {
      // The service's own rule, which the shop does not have.
      store.exec(`CREATE TRIGGER no_shouting BEFORE INSERT ON review WHEN NEW.headline LIKE '%!'
        BEGIN SELECT raise(ABORT, 'no shouting'); END`);
      await shop.query(`UPDATE reviews SET title = 'Loud!' WHERE id = 1`);
      await until('the key is in quarantine', async () => (await skip(stack, '--dry-run')).records === 1);
      await until('the status says so', async () => !(await stack.slice()).inSync);
      // Read again as it is, it is refused again.
      expect(await skip(stack)).toMatchObject({ table: 'public.reviews', records: 1, outcome: 'held' });
      await shop.query(`UPDATE reviews SET title = 'Quiet' WHERE id = 1`);
      expect(await skip(stack)).toMatchObject({ outcome: 'let-go' });
      const row = store.prepare('SELECT headline FROM review WHERE review_id = 1').get();
      expect(row).toMatchObject({ headline: 'Quiet' });
      await until('the copy is in sync', async () => (await stack.slice()).inSync);
    } finally {
      store.close();
      await shop.end();
    }
  }, 180_000);
}

/** Its JSON, also where it is refused or releases nothing. */
async function skip(stack: Stack, ...more: readonly string[]): Promise<Partial<QuarantineSkipResponse>> {
  const args = ['quarantine', 'skip', 'reviews', '--key', '1', '--reason', 'test', '--json', ...more];
  return JSON.parse((await stack.banyan(args)).stdout) as Partial<QuarantineSkipResponse>;
}
