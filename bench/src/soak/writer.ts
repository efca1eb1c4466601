import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { serve } from '../feed/contestants/serve.ts';
import { createRandom } from './random.ts';
import { readSourceReviews } from './read-reviews.ts';
import { WrittenReviews, type PlannedChange } from './written-reviews.ts';

/** The soak's own customers. */
const CUSTOMERS = 150;
const ROLLBACK_SHARE = 0.05;
/** Most changes of an ordinary transaction, and of a large one. */
const CHANGES = { ordinary: 6, large: 400 } as const;
const LARGE_SHARE = 0.005;
const RECONNECT_MS = 50;
const STATEMENT_TIMEOUT_MS = 10_000;

/** What has happened so far. */
interface Counts {
  transactions: number;
  changes: number;
  rolledBack: number;
  /** Transactions without an answer, and what a look at the database made of them. */
  unanswered: number;
}

/** The database's connection was lost: asked again with a new one. */
class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

const url = process.env['DATABASE_URL'] ?? '';
const random = createRandom(Number(process.env['SEED']));
const perSecond = Number(process.env['TRANSACTIONS_PER_SECOND']);
const reviews = new WrittenReviews(random);
const counts: Counts = { transactions: 0, changes: 0, rolledBack: 0, unanswered: 0 };
const stop = new AbortController();

/** A connection that is made anew after it was lost. */
class Connection {
  #client: pg.Client | null = null;

  /** @throws ConnectionLostError; the server's own error for a statement that it refuses. */
  async query<R extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<R[]> {
    try {
      return (await (await this.#connected()).query<R>(sql, [...values])).rows;
    } catch (cause) {
      // Class 57P: the server is going down. Without a code: the connection is gone.
      const code = cause instanceof pg.DatabaseError ? (cause.code ?? '') : '';
      if (code !== '' && !code.startsWith('57P')) throw cause;
      this.#drop();
      throw new ConnectionLostError('the connection was lost', { cause });
    }
  }

  async #connected(): Promise<pg.Client> {
    if (this.#client) return this.#client;
    const client = new pg.Client({
      connectionString: url,
      application_name: 'soak writer',
      connectionTimeoutMillis: 5_000,
      query_timeout: STATEMENT_TIMEOUT_MS,
    });
    client.on('error', () => this.#drop());
    await client.connect();
    this.#client = client;
    return client;
  }

  #drop(): void {
    const client = this.#client;
    this.#client = null;
    void client?.end().catch(() => undefined); // it is gone already
  }
}

/** Asks again until the database answers. */
async function persist<T>(question: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await question();
    } catch (cause) {
      if (!(cause instanceof ConnectionLostError)) throw cause;
      await sleep(RECONNECT_MS);
    }
  }
}

/**
 * One transaction. What the database acknowledged is settled; what it did not answer is settled as it is found.
 *
 * @returns whether it was acknowledged.
 */
async function transact(
  connection: Connection,
  changes: readonly PlannedChange[],
  end: 'COMMIT' | 'ROLLBACK',
): Promise<boolean> {
  let isCommitting = false;
  try {
    await connection.query('BEGIN');
    for (const { sql, values } of changes) await connection.query(sql, values);
    isCommitting = end === 'COMMIT';
    await connection.query(end);
  } catch (cause) {
    if (!(cause instanceof ConnectionLostError)) throw cause;
    if (isCommitting) await settleAsFound(connection, changes);
    else reviews.giveBack(changes);
    return false;
  }
  if (end === 'ROLLBACK') {
    counts.rolledBack += 1;
    reviews.giveBack(changes);
    return false;
  }
  for (const { rows } of changes) reviews.settle(rows);
  counts.transactions += 1;
  counts.changes += changes.length;
  return true;
}

async function settleAsFound(connection: Connection, changes: readonly PlannedChange[]): Promise<void> {
  counts.unanswered += 1;
  const ids = changes.flatMap(({ rows }) => [...rows.keys()]);
  const found = await persist(() => readSourceReviews(connection, ids));
  reviews.settle(new Map(ids.map((id) => [id, found.get(id) ?? null])));
  reviews.giveBack(changes.filter(({ rows }) => [...rows.keys()].every((id) => !found.has(id))));
}

async function prepare(connection: Connection): Promise<void> {
  const products = await connection.query<{ id: string }>('SELECT id::text FROM products ORDER BY id');
  const customers = await connection.query<{ id: string }>(
    `INSERT INTO customers (email, display_name, password_hash)
     SELECT 'soak-' || i || '-' || $1 || '@example.test', 'Soak ' || i, 'none' FROM generate_series(1, $2::int) AS i
     RETURNING id::text`,
    [String(Date.now()), CUSTOMERS],
  );
  const idsOf = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id);
  reviews.allow(idsOf(products), idsOf(customers));
}

async function writeUntilStopped(): Promise<void> {
  const connection = new Connection();
  while (!stop.signal.aborted) {
    const isLarge = random.next() < LARGE_SHARE;
    const size = random.between(1, isLarge ? CHANGES.large : CHANGES.ordinary);
    const end = random.next() < ROLLBACK_SHARE ? 'ROLLBACK' : 'COMMIT';
    if (!(await transact(connection, reviews.plan(size), end))) await sleep(RECONNECT_MS);
    await sleep((1_000 / perSecond) * (0.5 + random.next()));
  }
}

const probing = new Connection();
await persist(() => prepare(probing));
let writing: Promise<void> | undefined;

serve({
  start() {
    writing = writeUntilStopped();
    writing.catch((error: unknown) => {
      console.error(error);
      process.exit(1);
    });
    return Promise.resolve({});
  },
  /** Writes one review, however long it takes. */
  async probe() {
    for (;;) {
      const change = reviews.planProbe();
      const [id = 0] = change.rows.keys();
      if (await transact(probing, [change], 'COMMIT')) return { id, acknowledgedAtMs: Date.now() };
      await sleep(RECONNECT_MS);
    }
  },
  async stop() {
    stop.abort();
    await writing;
    return { counts, rows: [...reviews.live.values()] };
  },
  counts: () => Promise.resolve({ ...counts, live: reviews.live.size }),
});
