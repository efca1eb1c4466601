import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isAlive, Stack, until } from './stack.ts';

const stack = new Stack();
let shopUrl: string;

beforeAll(async () => {
  ({ shopUrl } = await stack.up());
}, 180_000);

afterAll(async () => {
  await stack.close();
}, 180_000);

test('the shop answers at the address that `up` printed', async () => {
  const answer = await fetch(shopUrl);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain('<h1');
});

test('a second `up` in the same home is refused, and the first one serves on', async () => {
  const { code, stdout } = await stack.banyan(['up', '--json']);
  expect(code).toBe(3);
  expect(stdout).toContain('already-running');
  expect((await fetch(shopUrl)).status).toBe(200);
});

test('a second home runs beside the first, on ports of its own', async () => {
  const second = new Stack();
  try {
    const other = await second.up();
    expect(other.shopUrl).not.toBe(shopUrl);
    expect((await fetch(other.shopUrl)).status).toBe(200);
  } finally {
    await second.close();
  }
  expect((await fetch(shopUrl)).status).toBe(200);
}, 180_000);

test('a port that the user asked for and that is taken is an error, with what to try', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const second = new Stack();
  const { code, stdout } = await second.banyan(['up', '--port', String(port), '--json']);
  await new Promise((resolve) => taken.close(resolve));
  expect(code).toBe(3);
  expect(stdout).toContain('port-taken');
  await second.close();
});

test('a malformed configuration fails the start with its mistakes, and leaves no process', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'banyan-config-')), 'banyan.config.ts');
  writeFileSync(
    file,
    "export const config = { slices: [{ name: 'Bad Name', routes: [], tables: [], colour: 1 }] };\n",
  );
  const second = new Stack();
  const { code, stdout } = await second.banyan(['up', '--json'], { BANYAN_CONFIG: file });
  expect(code).toBe(3);
  for (const mistake of ['name', 'routes', 'title', 'colour']) expect(stdout).toContain(mistake);
  expect(second.pids().filter(isAlive)).toEqual([]);
  await second.close();
}, 180_000);

test('the state survives `down` and `up`, and so does the address', async () => {
  await stack.json('advance', 'reviews', '--wait');
  const before = stack.pids();
  await stack.json('down');
  await until('all processes have ended', () => before.every((pid) => !isAlive(pid)), 20_000);
  const again = await stack.up();
  expect(again.shopUrl).toBe(shopUrl);
  await until('the copy is in sync again', async () => (await stack.slice()).inSync);
  expect((await stack.slice()).phase).toBe('syncing');
}, 180_000);

test('Ctrl-C ends everything', async () => {
  const pids = stack.pids();
  expect(pids.length).toBeGreaterThan(5);
  stack.supervisor.kill('SIGINT');
  await until('all processes have ended', () => pids.every((pid) => !isAlive(pid)), 30_000);
  expect((await stack.banyan(['status'])).code).toBe(3);
}, 180_000);

test('a supervisor that is killed leaves no orphan, and the next `up` works', async () => {
  await stack.up();
  const pids = stack.pids();
  stack.supervisor.kill('SIGKILL');
  await until('all processes have ended', () => pids.every((pid) => !isAlive(pid)), 30_000);
  expect(await stack.up()).toEqual({ shopUrl });
}, 180_000);
