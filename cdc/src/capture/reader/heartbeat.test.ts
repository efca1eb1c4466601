import { expect, test } from '@jest/globals';
import { StreamedTransactions } from '../postgres/transaction-visibility.ts';
import { VisibleAtHeartbeat } from './heartbeat.ts';

test('what a heartbeat saw counts when the stream passes it, not when it was written', () => {
  const transactions = new StreamedTransactions();
  const visible = new VisibleAtHeartbeat();
  transactions.add(90);
  visible.write({ atMs: 2_000, snapshot: { xmin: 100n, xmax: 100n, running: new Set() } });
  visible.pass(1_000, transactions);
  expect(transactions.list()).toEqual([90]);
  visible.pass(2_000, transactions);
  expect(transactions.list()).toEqual([]);
});
