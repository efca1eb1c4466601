/** Each part of the feed stands still in its turn, alive and silent; nothing may then look as if it were in sync. */
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SliceStatus, StatusReport } from '@banyan/contracts';
import pg from 'pg';
import { statusText } from '../output/status-text.ts';
import { anyLag, Stack, until } from './stack.ts';

/** A short limit, so that a silence is seen soon. */
const stack = new Stack({ gates: { maxHeartbeatAgeMs: 2_000, ...anyLag } });

beforeAll(async () => {
  await stack.up();
  await stack.json('advance', 'reviews', '--wait');
}, 180_000);

afterAll(async () => {
  await stack.close();
}, 180_000);

async function inSync(): Promise<void> {
  await until('the copy is in sync', async () => (await stack.slice()).inSync);
}

function failing({ gates }: SliceStatus): string[] {
  return gates.flatMap(({ gate, verdict }) => (verdict === 'pass' ? [] : [gate]));
}

/** Stops a process in its tracks while `look` looks. */
async function stalled(pid: number, look: () => Promise<void>): Promise<void> {
  await inSync();
  process.kill(pid, 'SIGSTOP');
  try {
    await look();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/** Text and gates say that the copy is not in sync, and go on saying so. */
async function isSeen(gate: string): Promise<void> {
  await until('it is seen', async () => failing(await stack.slice()).includes(gate), 20_000);
  const everything = await stack.status();
  const slice = everything.report?.slices[0];
  if (!slice) throw new Error('no slice');
  expect(slice.inSync).toBe(false);
  expect(failing(slice)).toContain(gate);
  expect(statusText(everything)).toContain('NOT in sync');
  expect(statusText(everything)).not.toMatch(/copy +in sync/);
}

async function walsenderPid(): Promise<number> {
  const client = new pg.Client(readFileSync(stack.home.secret('source.url'), 'utf8').trim());
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number | null }>(
      'SELECT active_pid AS pid FROM pg_replication_slots WHERE active',
    );
    const pid = rows[0]?.pid;
    if (!pid) throw new Error('nobody sends WAL');
    return pid;
  } finally {
    await client.end();
  }
}

test('the reader', async () => {
  await stalled(stack.pid('reader'), async () => {
    await isSeen('heartbeat');
    const { code, stdout } = await stack.banyan(['advance', 'reviews', '--dry-run', '--json']);
    expect(code).toBe(1);
    expect(stdout).toContain('heartbeat (fail)');
    const { control } = await stack.json<{ control: StatusReport }>('status');
    expect(control.slices[0]?.inSync).toBe(false);
  });
}, 180_000);

test('the service and its consumer', async () => {
  await stalled(stack.pid('reviews'), async () => {
    await isSeen('service-reachable');
    // What it applied is unknown now; where the bus ends is not.
    const [table] = (await stack.slice()).tables;
    expect(table).toMatchObject({ nextOffset: null, appliedRows: null, quarantined: null });
    expect(table?.endOffset).toEqual(expect.any(Number));
  });
}, 180_000);

test("PostgreSQL's sender of the WAL", async () => {
  await inSync();
  await stalled(await walsenderPid(), () => isSeen('heartbeat'));
}, 180_000);

test('the bus, locked by somebody', async () => {
  await inSync();
  const bus = new DatabaseSync(stack.home.file('bus.sqlite'));
  bus.exec('BEGIN IMMEDIATE');
  try {
    await isSeen('heartbeat');
    // Written to the WAL all the same, and not stored.
    const backlog = async (): Promise<number> => (await stack.status()).report?.feed.backlogBytes ?? 0;
    await until('the backlog is seen', async () => (await backlog()) > 0, 15_000);
  } finally {
    bus.exec('ROLLBACK');
    bus.close();
  }
}, 180_000);

test('the control plane itself', async () => {
  await stalled(stack.pid('control'), async () => {
    const [text, json] = await Promise.all([stack.banyan(['status']), stack.banyan(['status', '--json'])]);
    expect([text.code, json.code]).toEqual([3, 3]);
    expect(JSON.parse(json.stdout)).toMatchObject({ control: null, next_steps: ['banyan doctor'] });
    expect(text.stdout).toContain('slices, lag and gates are unknown');
    expect(text.stdout).not.toContain('in sync');
  });
  // Awake again, it does not take what it knew before for what is.
  const slice = await stack.slice();
  if (slice.inSync) expect(slice.heartbeatAgeMs).toBeLessThanOrEqual(2_000);
  await inSync();
}, 180_000);
