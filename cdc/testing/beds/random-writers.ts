/** Writers for tests: programs of transactions that do to a table all that may go wrong under a table snapshot. */
import fc from 'fast-check';
import pg from 'pg';

/** Key of `public.thing`: few of them, so that writers meet each other and the chunks. */
interface Key {
  readonly code: string;
  readonly shop: number;
}

/** One statement, or a block that is undone to its savepoint. */
export type Step =
  | { readonly kind: 'insert' | 'rename' | 'rewrite' | 'delete'; readonly key: Key; readonly value: number }
  | { readonly kind: 'rekey'; readonly key: Key; readonly to: Key }
  | { readonly kind: 'truncate' }
  | { readonly kind: 'undone'; readonly steps: readonly Step[] };

/** A transaction and how it ends. */
export interface Transaction {
  readonly steps: readonly Step[];
  readonly commits: boolean;
}

/** One connection's transactions, one after another. */
export type Program = readonly Transaction[];

/** `body` is kept out of line, so that an update of `name` leaves it out of the WAL. */
export const THING_SQL = `
  CREATE TABLE thing (shop int, code text COLLATE "C", name text, body text, PRIMARY KEY (code, shop));
  ALTER TABLE thing ALTER COLUMN body SET STORAGE EXTERNAL`;

const key = fc.record({
  code: fc.integer({ min: 0, max: 39 }).map((n) => `k${String(n).padStart(2, '0')} ü"'`),
  shop: fc.integer({ min: 1, max: 2 }),
});
const value = fc.integer({ min: 0, max: 1_000_000 });

const statement: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom('insert' as const, 'rename' as const, 'rewrite' as const, 'delete' as const),
      key,
      value,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('rekey' as const), key, to: key }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 200, arbitrary: statement },
  {
    weight: 15,
    arbitrary: fc.record({
      kind: fc.constant('undone' as const),
      steps: fc.array(statement, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'truncate' as const }) },
);

/** @param size.transactions Of each program, at most. */
export function programs(size: {
  readonly connections: number;
  readonly transactions: number;
}): fc.Arbitrary<readonly Program[]> {
  const transaction = fc.record({
    steps: fc.array(step, { minLength: 1, maxLength: 4 }),
    commits: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  });
  const { connections, transactions } = size;
  const program = fc.array(transaction, { minLength: transactions * 0.75, maxLength: transactions });
  return fc.array(program, { minLength: connections, maxLength: connections });
}

/** Runs each program on a connection of its own, until all have ended. What the database refuses is rolled back. */
export async function runPrograms(url: string, all: readonly Program[]): Promise<{ commits: number }> {
  let commits = 0;
  await Promise.all(
    all.map(async (program) => {
      const client = new pg.Client(url);
      await client.connect();
      // Two writers that met in another order give way soon, not after a second.
      await client.query(`SET deadlock_timeout = '20ms'`);
      for (const transaction of program) commits += await runTransaction(client, transaction);
      await client.end();
    }),
  );
  return { commits };
}

async function runTransaction(client: pg.Client, { steps, commits }: Transaction): Promise<0 | 1> {
  try {
    await client.query('BEGIN');
    for (const each of steps) await runStep(client, each);
    await client.query(commits ? 'COMMIT' : 'ROLLBACK');
    return commits ? 1 : 0;
  } catch (error) {
    // A key that is taken, or a deadlock.
    if (!(error instanceof pg.DatabaseError) || !['23505', '40P01'].includes(error.code ?? '')) throw error;
    await client.query('ROLLBACK');
    return 0;
  }
}

async function runStep(client: pg.Client, step: Step): Promise<void> {
  switch (step.kind) {
    case 'truncate':
      await client.query('TRUNCATE thing');
      return;
    case 'undone':
      await client.query('SAVEPOINT here');
      for (const each of step.steps) {
        await runStep(client, each).catch(async (error: unknown) => {
          if ((error as { code?: string }).code !== '23505') throw error;
          await client.query('ROLLBACK TO here');
        });
      }
      await client.query('ROLLBACK TO here');
      return;
    case 'rekey':
      await client.query('UPDATE thing SET code = $1, shop = $2 WHERE code = $3 AND shop = $4', [
        ...[step.to.code, step.to.shop, step.key.code, step.key.shop],
      ]);
      return;
    case 'insert':
    case 'rename':
    case 'rewrite':
    case 'delete':
      await client.query(...changeOf(step.kind, step.key, step.value));
  }
}

function changeOf(
  kind: 'insert' | 'rename' | 'rewrite' | 'delete',
  { code, shop }: Key,
  number: number,
): [string, (string | number)[]] {
  // Some bodies are long enough to be stored out of line.
  const body = `${number} `.repeat(number % 3 === 0 ? 1_000 : 1);
  switch (kind) {
    case 'insert':
      return [
        `INSERT INTO thing VALUES ($1, $2, 'new ' || $3, $4)
         ON CONFLICT (code, shop) DO UPDATE SET name = 'again ' || $3`,
        [shop, code, number, body],
      ];
    case 'rename':
      return [
        `UPDATE thing SET name = 'renamed ' || $3 WHERE shop = $1 AND code = $2`,
        [shop, code, String(number)],
      ];
    case 'rewrite':
      return ['UPDATE thing SET body = $3 WHERE shop = $1 AND code = $2', [shop, code, body]];
    case 'delete':
      return ['DELETE FROM thing WHERE shop = $1 AND code = $2', [shop, code]];
  }
}
