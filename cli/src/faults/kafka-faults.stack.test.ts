import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { FullStack } from './full-stack.ts';
import { describeSkip } from './skip-contract.ts';
import { isAlive, until } from './stack.ts';

/** Each part killed, hung, or taken away, while reviews are written. */
const full = new FullStack();
const { stack } = full;
const WAL_WARN_BYTES = 33_554_432;

beforeAll(async () => {
  process.env['RETAINED_WAL_WARN_BYTES'] = String(WAL_WARN_BYTES);
  await full.start();
  delete process.env['RETAINED_WAL_WARN_BYTES'];
}, 240_000);

afterAll(async () => {
  await full.close();
}, 180_000);

/** Connect stands still, alive and silent, while `work` goes on; nobody may then take the copy for in sync. */
async function whileConnectHangs(work: () => Promise<void>): Promise<void> {
  const pid = stack.pid('connect');
  process.kill(pid, 'SIGSTOP');
  try {
    await full.notInSyncDuring(work);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

test('no reader of our own runs, broker and Connect stay within 800 MB, and the password is in its file alone', async () => {
  const { run } = await stack.status();
  expect(run.processes.map(({ name }) => name).sort()).toEqual(
    ['connect', 'control', 'kafka', 'monolith', 'postgres', 'proxy', 'reviews'].sort(),
  );
  if (process.platform === 'linux') {
    const resident = ['kafka', 'connect'].map((name) =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${stack.pid(name)}/status`, 'utf8'))?.[1]),
    );
    expect(resident.reduce((sum, kb) => sum + kb, 0)).toBeLessThan(800 * 1_024);
  }
  const told = await (await fetch(`${await full.url('connect')}/connectors?expand=info`)).text();
  expect(told).toContain('banyan-feed.');
  expect(told).not.toContain(stack.secret('banyan.password'));
  expect(await full.feed()).toMatchObject({ state: 'running', incarnation: 1, slotActive: true });
});

describe('single rows are read again, while others are written', () => {
  let store: DatabaseSync;
  beforeAll(async () => {
    await full.inSync();
    full.write();
    store = new DatabaseSync(stack.home.file('reviews.sqlite'), { timeout: 10_000 });
  });
  afterAll(async () => {
    store.close();
    await full.stopWriting();
  });

  describeSkip(stack);

  test('verify --repair repairs rows that were changed by hand in the service', async () => {
    store.exec(`UPDATE review SET text = 'by hand' WHERE review_id = 2`);
    store.exec('DELETE FROM review WHERE review_id = 3');
    store.exec(`INSERT INTO review SELECT 999999, product, author, stars, headline, text, visibility, helpful, written_at,
      changed_at FROM review WHERE review_id = 2`);
    expect((await stack.banyan(['verify', 'reviews'])).stdout).toContain('3 differences');
    const repaired = await stack.banyan(['verify', 'reviews', '--repair', '--reason', 'by hand']);
    expect([repaired.code, repaired.stdout]).toEqual([0, expect.stringContaining('0 differences')]);
    await full.equalCopies();
  }, 180_000);
});

describe('killed with SIGKILL while reviews are written', () => {
  beforeAll(() => full.write());
  afterAll(() => full.stopWriting());

  test.each(['connect', 'kafka', 'reviews', 'control', 'postgres'])(
    '%s: the copy catches up',
    async (name) => {
      await full.inSync();
      await stack.killAndWait(name);
      await full.inSync();
      await full.goesOnWriting();
    },
    180_000,
  );

  test('while Connect hangs, status does not say that the copy is in sync, and says why', async () => {
    await full.inSync();
    await whileConnectHangs(() =>
      until('the feed is said not to run', async () => (await full.feed()).state !== 'running', 60_000),
    );
    await full.inSync();
  }, 180_000);

  test('after all that nothing acknowledged is lost, both sides are equal, and no copy was resynced', async () => {
    await full.nothingIsLost();
    expect(full.reviewer.acknowledged.length).toBeGreaterThan(50);
    expect((await full.journal()).filter(({ verb }) => verb === 'resync')).toEqual([]);
    expect(await full.feed()).toMatchObject({ incarnation: 1 });
  }, 180_000);
});

describe('the WAL that the slot keeps', () => {
  test('is shown, warned about with the command that frees it, and let go of once it is read', async () => {
    await full.inSync();
    await whileConnectHangs(async () => {
      await full.onDatabase(async (client) => {
        // Else the server finds out by itself after a minute.
        await client.query(
          'SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE active',
        );
        // Debezium passes over Banyan's own messages: this is WAL, and nothing else.
        const message = `SELECT pg_logical_emit_message(false, 'banyan', repeat('x', 1000000))`;
        for (let written = 0; written <= WAL_WARN_BYTES; written += 1_000_000) await client.query(message);
      });
      await until('it is warned about, and that nobody reads', async () => {
        const { slotActive, retention } = await full.feed();
        return slotActive === false && retention.level === 'warning';
      });
      const feed = await full.feed();
      expect(feed.retainedWalBytes).toBeGreaterThan(WAL_WARN_BYTES);
      const shown = await stack.banyan(['status']);
      expect(shown.stdout).toMatch(/WARNING \d+ MiB of WAL kept/);
      expect(shown.stdout).toContain('banyan feed drop --reason');
      const doctor = await stack.banyan(['doctor', '--json']);
      expect((JSON.parse(doctor.stdout) as { findings: unknown }).findings).toContainEqual({
        check: `kept WAL, slot ${feed.slot}`,
        verdict: 'warning',
        got: feed.retention.text,
        remedy: expect.stringContaining('banyan feed drop --reason'),
      });
    });
    await full.inSync();
    await until('it is let go of', async () => (await full.feed()).retention.level === 'ok', 120_000);
  }, 300_000);

  test('does not grow on an idle database: heartbeats move the slot on', async () => {
    const { slot } = await full.feed();
    const written = await full.onDatabase(async (client) => {
      const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn() AS lsn');
      return rows[0]?.lsn ?? '';
    });
    await until(
      'everything that was written is let go of, though nobody writes',
      () =>
        full.onDatabase(async (client) => {
          const sql = 'SELECT FROM pg_replication_slots WHERE slot_name = $1 AND restart_lsn > $2::pg_lsn';
          return (await client.query(sql, [slot, written])).rowCount === 1;
        }),
      120_000,
    );
  }, 180_000);
});

describe('the feed restarts, and so does the copy', () => {
  const dropSlot = (): Promise<void> =>
    full.onDatabase(async (client) => {
      // As often as it takes: Connect reads it again within a second.
      await until('the slot is dropped', async () => {
        await client.query(
          'SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE active',
        );
        await client.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots');
        return true;
      });
    });
  const removeConnector = async (): Promise<void> => {
    const url = await full.url('connect');
    const [name = ''] = (await (await fetch(`${url}/connectors`)).json()) as string[];
    expect((await fetch(`${url}/connectors/${name}`, { method: 'DELETE' })).status).toBe(204);
  };

  test.each([
    ['the slot was dropped', dropSlot, /slot \w+ was dropped/],
    ['somebody removed the connector', removeConnector, /restarted|another bus/],
  ])(
    'when %s, while rows are written',
    async (_, harm, reason) => {
      await full.inSync();
      const lastId = await full.lastEntry();
      full.write();
      await harm();
      expect(await full.resyncAfter(lastId)).toMatch(reason);
      await full.newCopy();
      await full.nothingIsLost();
    },
    300_000,
  );
});

test('Ctrl-C leaves nothing behind, and what was kept goes on without a new table snapshot', async () => {
  const lastId = await full.lastEntry();
  const pids = stack.pids();
  stack.supervisor.kill('SIGINT');
  await until('all processes have ended', () => pids.every((pid) => !isAlive(pid)), 60_000);
  const refused = await stack.banyan(['up', '--stack', 'embedded', '--json']);
  expect([refused.code, refused.stdout]).toEqual([3, expect.stringContaining('other-stack')]);
  await stack.up(); // which stack it is, is remembered
  await full.inSync();
  const since = (await full.journal()).filter(({ id }) => id > lastId);
  expect(since.filter(({ verb }) => verb === 'resync' || verb === 'sync')).toEqual([]);
}, 240_000);

test('a supervisor that is killed leaves no orphan, Java neither', async () => {
  const pids = stack.pids();
  expect(pids.length).toBeGreaterThan(7);
  stack.supervisor.kill('SIGKILL');
  await until('all processes have ended', () => pids.every((pid) => !isAlive(pid)), 60_000);
}, 180_000);
