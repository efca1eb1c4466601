import { expect, test } from '@jest/globals';
import { createRandom } from './random.ts';
import { killPlan, kindsOfStack, strikePlan } from './kill-plan.ts';
import { WrittenReviews } from './written-reviews.ts';

function reviews(options: { readonly seed?: number; readonly customers?: number } = {}): WrittenReviews {
  const { seed = 1, customers = 4 } = options;
  const written = new WrittenReviews(createRandom(seed));
  written.allow(
    ['1', '2', '3'],
    Array.from({ length: customers }, (_, i) => String(i)),
  );
  return written;
}

test('the same seed writes and kills the same', () => {
  const plan = (seed: number): unknown => {
    const written = reviews({ seed });
    return Array.from({ length: 3 }, () => {
      const changes = written.plan(2);
      for (const { rows } of changes) written.settle(rows);
      return changes.map(({ sql, values }) => [sql, values]);
    });
  };
  expect(plan(7)).toEqual(plan(7));
  expect(plan(7)).not.toEqual(plan(8));
});

test('what was settled is what must be there: new, changed, moved and removed rows', () => {
  const written = reviews({ customers: 200 });
  const seen = new Set<string>();
  for (let turn = 0; turn < 300; turn += 1) {
    const [change] = written.plan(1);
    if (!change) throw new Error('no change');
    const before = new Map(written.live);
    written.settle(change.rows);
    seen.add(change.sql.slice(0, 22));
    for (const [id, row] of change.rows) expect(written.live.get(id)).toEqual(row ?? undefined);
    for (const [id, row] of before) if (!change.rows.has(id)) expect(written.live.get(id)).toBe(row);
  }
  expect([...seen].sort()).toEqual([
    'DELETE FROM reviews WH',
    'INSERT INTO reviews (i',
    'UPDATE reviews SET bod',
    'UPDATE reviews SET hel',
    'UPDATE reviews SET id ',
    'UPDATE reviews SET sta',
  ]);
});

test('no two live reviews are of one product by one customer, though pairs are used again', () => {
  const written = reviews();
  for (let turn = 0; turn < 500; turn += 1) {
    // Twelve pairs in all: more live reviews than that cannot be.
    const changes =
      written.live.size < 11 ? written.plan(1) : [...written.live.keys()].slice(0, 4).map(remove);
    if (turn % 7 === 0) written.giveBack(changes);
    else for (const { rows } of changes) written.settle(rows);
    const pairs = Array.from(written.live.values(), (row) => `${row.productId}/${row.customerId}`);
    expect(new Set(pairs).size).toBe(pairs.length);
  }
  function remove(id: number): ReturnType<WrittenReviews['plan']>[number] {
    return { sql: '', values: [], rows: new Map([[id, null]]), isInsert: false };
  }
});

test('a transaction changes no row twice, and never the one that the probe waits for', () => {
  const written = reviews();
  const probe = written.planProbe();
  written.settle(probe.rows);
  for (const { rows } of written.plan(3)) written.settle(rows);
  const [probeId] = probe.rows.keys();
  for (let turn = 0; turn < 50; turn += 1) {
    const ids = written.plan(3).flatMap((change) => {
      written.giveBack([change]);
      return [...change.rows.keys()];
    });
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).not.toContain(probeId);
  }
});

test('every kind is killed before one is killed again', () => {
  const plan = killPlan(kindsOfStack.embedded, createRandom(3));
  for (let round = 0; round < 5; round += 1) {
    const kinds = kindsOfStack.embedded.map(() => plan.next().value);
    expect([...kinds].sort()).toEqual([...kindsOfStack.embedded].sort());
  }
});

test('a pair is two parts within two seconds, and the seed decides which and when', () => {
  const strikes = (seed: number, pairs: boolean) => {
    const plan = strikePlan(kindsOfStack.kafka, createRandom(seed), { pairs });
    return Array.from({ length: 60 }, () => plan.next().value);
  };
  const found = strikes(3, true);
  expect(strikes(3, true)).toEqual(found);
  expect(strikes(4, true)).not.toEqual(found);
  for (const [first, second] of found) {
    expect(second?.kind).not.toBe(first?.kind);
    expect(first?.afterMs).toBe(0);
    expect(second?.afterMs).toBeLessThanOrEqual(2_000);
  }
  expect(new Set(found.map(([, second]) => second?.kind)).size).toBe(kindsOfStack.kafka.length);
  expect(strikes(3, false).every(({ length }) => length === 1)).toBe(true);
});
