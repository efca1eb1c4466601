import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { JournalEntry, StatusReport } from '@banyan/contracts';
import pg from 'pg';
import { Reviewer } from './reviewer.ts';
import { describeSkip } from './skip-contract.ts';
import { isAlive, Stack, until } from './stack.ts';

/** One full stack, with a reviewer who writes all the time: what was acknowledged to him must be found in the end. */
const stack = new Stack();
let reviewer: Reviewer;
let shopUrl: string;
let writing = new AbortController();
let written: Promise<void> = Promise.resolve();

function write(): void {
  writing = new AbortController();
  reviewer = new Reviewer(shopUrl, stack.secret('override.token'));
  written = reviewer.writeUntil(writing.signal);
}

beforeAll(async () => {
  ({ shopUrl } = await stack.up('--stack', 'kafka'));
  await stack.json('advance', 'reviews', '--wait');
}, 240_000);

afterAll(async () => {
  writing.abort();
  await written;
  await stack.close();
}, 90_000);

async function feed(): Promise<StatusReport['feed']> {
  const { report } = await stack.status();
  if (!report) throw new Error('the control plane does not answer');
  return report.feed;
}

async function inSync(): Promise<void> {
  await until(
    'the feed runs, and the copy is in sync',
    async () => (await feed()).state === 'running' && (await stack.slice()).inSync,
    90_000,
  );
}

async function journal(): Promise<readonly JournalEntry[]> {
  return (await stack.json<{ entries: JournalEntry[] }>('journal')).entries;
}

async function onDatabase(work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(stack.secret('source.url'));
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function equalCopies(): Promise<void> {
  const { code, stdout } = await stack.banyan(['verify', 'reviews']);
  expect([code, stdout]).toEqual([0, expect.stringContaining('0 differences')]);
}

async function nothingAcknowledgedIsLost(): Promise<void> {
  const { run } = await stack.status();
  const service = run.processes.find(({ name }) => name === 'reviews')?.url ?? null;
  await until('the service lists every acknowledged review', async () => {
    expect(await reviewer.missingInService(service)).toEqual([]);
    return true;
  });
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
  const connectUrl = run.processes.find(({ name }) => name === 'connect')?.url ?? '';
  const told = await (await fetch(`${connectUrl}/connectors?expand=info`)).text();
  expect(told).toContain('banyan-feed.');
  expect(told).not.toContain(stack.secret('banyan.password'));
  expect(await feed()).toMatchObject({ state: 'running', incarnation: 1, slotActive: true });
});

describe('single rows are read again, while others are written', () => {
  let store: DatabaseSync;
  beforeAll(async () => {
    await inSync();
    write();
    store = new DatabaseSync(stack.home.file('reviews.sqlite'), { timeout: 10_000 });
  });
  afterAll(async () => {
    store.close();
    writing.abort();
    await written;
  });

  describeSkip(stack);

  test('verify --repair mends rows that were changed by hand in the service', async () => {
    store.exec(`UPDATE review SET text = 'by hand' WHERE review_id = 2`);
    store.exec('DELETE FROM review WHERE review_id = 3');
    store.exec(`INSERT INTO review SELECT 999999, product, author, stars, headline, text, visibility, helpful, written_at,
      changed_at FROM review WHERE review_id = 2`);
    expect((await stack.banyan(['verify', 'reviews'])).stdout).toContain('3 differences');
    const repaired = await stack.banyan(['verify', 'reviews', '--repair', '--reason', 'by hand']);
    expect([repaired.code, repaired.stdout]).toEqual([0, expect.stringContaining('0 differences')]);
    await equalCopies();
  }, 180_000);
});

describe('killed with SIGKILL while reviews are written', () => {
  beforeAll(write);
  afterAll(async () => {
    writing.abort();
    await written;
  });

  test.each(['connect', 'kafka', 'reviews', 'control', 'postgres'])(
    '%s: the copy catches up',
    async (name) => {
      await inSync();
      const count = reviewer.acknowledged.length;
      await stack.killAndWait(name);
      await inSync();
      await until('reviews are written again', () => reviewer.acknowledged.length > count + 5);
    },
    180_000,
  );

  test('while Connect hangs, status does not say that the copy is in sync, and says why', async () => {
    await inSync();
    const pid = stack.pid('connect');
    process.kill(pid, 'SIGSTOP');
    try {
      await until('the status says so', async () => !(await stack.slice()).inSync, 60_000);
      expect((await feed()).state).not.toBe('running');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await inSync();
  }, 180_000);

  test('after all that nothing acknowledged is lost, both sides are equal, and no copy was made anew', async () => {
    writing.abort();
    await written;
    await inSync();
    await equalCopies();
    await nothingAcknowledgedIsLost();
    expect(reviewer.acknowledged.length).toBeGreaterThan(50);
    expect((await journal()).filter(({ verb }) => verb === 'resync')).toEqual([]);
    expect(await feed()).toMatchObject({ incarnation: 1 });
  }, 180_000);
});

describe('the feed begins anew, and so does the copy', () => {
  const dropSlot = (): Promise<void> =>
    onDatabase(async (client) => {
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
    const { run } = await stack.status();
    const url = run.processes.find(({ name }) => name === 'connect')?.url ?? '';
    const [name = ''] = (await (await fetch(`${url}/connectors`)).json()) as string[];
    expect((await fetch(`${url}/connectors/${name}`, { method: 'DELETE' })).status).toBe(204);
  };

  test.each([
    ['the slot was dropped', dropSlot, /slot \w+ was dropped/],
    ['somebody removed the connector', removeConnector, /began anew|is another one/],
  ])(
    'when %s, while rows are written',
    async (_, harm, reason) => {
      await inSync();
      const lastId = (await journal()).at(-1)?.id ?? 0;
      write();
      try {
        await harm();
        await until(
          'a resync is in the journal',
          async () => (await journal()).some(({ id, verb }) => id > lastId && verb === 'resync'),
          90_000,
        );
      } finally {
        writing.abort();
        await written;
      }
      const resync = (await journal()).find(({ id, verb }) => id > lastId && verb === 'resync');
      expect(resync).toMatchObject({ by: 'feed' });
      expect(resync?.reason).toMatch(reason);
      await until(
        'the new copy is verified',
        async () => {
          const slice = await stack.slice();
          return slice.inSync && slice.verification !== null;
        },
        120_000,
      );
      await equalCopies();
      await nothingAcknowledgedIsLost();
    },
    300_000,
  );
});

test('Ctrl-C leaves nothing behind, and what was kept goes on without a new table snapshot', async () => {
  const lastId = (await journal()).at(-1)?.id ?? 0;
  const pids = stack.pids();
  stack.supervisor.kill('SIGINT');
  await until('all processes have ended', () => pids.every((pid) => !isAlive(pid)), 60_000);
  const refused = await stack.banyan(['up', '--stack', 'embedded', '--json']);
  expect([refused.code, refused.stdout]).toEqual([3, expect.stringContaining('other-stack')]);
  await stack.up(); // which stack it is, is remembered
  await inSync();
  const since = (await journal()).filter(({ id }) => id > lastId);
  expect(since.filter(({ verb }) => verb === 'resync' || verb === 'sync')).toEqual([]);
}, 240_000);

test('a supervisor that is killed leaves no orphan, Java neither', async () => {
  const pids = stack.pids();
  expect(pids.length).toBeGreaterThan(7);
  stack.supervisor.kill('SIGKILL');
  await until('all processes have ended', () => pids.every((pid) => !isAlive(pid)), 60_000);
}, 120_000);
