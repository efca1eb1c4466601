/**
 * The disk of the state folder is full: nothing that Banyan writes for itself may take the shop down. The state folder is
 * a small file system of its own; PostgreSQL's data lie elsewhere, as they would on a server.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { anyLag, isAlive, Stack, until } from './stack.ts';

function mount(at: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m,mode=700', 'tmpfs', at], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function canMount(): boolean {
  const at = mkdtempSync(join(tmpdir(), 'banyan-can-mount-'));
  const can = mount(at);
  if (can) execFileSync('umount', [at]);
  rmdirSync(at);
  return can;
}

(canMount() ? describe : describe.skip)('a full disk (wants the right to mount)', () => {
  // No gate may be quicker than the person: it would take the reads back by itself, since nothing is stored any more.
  const stack = new Stack({ gates: { maxHeartbeatAgeMs: 600_000, ...anyLag } });
  const ballast = stack.home.file('ballast');
  let shopUrl: string;

  beforeAll(async () => {
    mount(stack.home.dir);
    ({ shopUrl } = await stack.upWith({ GATE_GRACE_MS: '600000' }));
    await stack.json('advance', 'reviews', '--wait');
    await stack.json('advance', 'reviews');
    await stack.json('route', 'reviews', '--share', '100%', '--reason', 'all of it');
  }, 180_000);

  afterAll(async () => {
    const place = readFileSync(join(stack.home.file('postgres'), 'place'), 'utf8').trim();
    await stack.close({ keepHome: true });
    execFileSync('umount', [stack.home.dir]);
    rmSync(stack.home.dir, { recursive: true, force: true });
    rmSync(place, { recursive: true, force: true });
  }, 180_000);

  const status = async (): Promise<string> => (await stack.banyan(['status'])).stdout;
  const answers = async (): Promise<boolean> => (await fetch(shopUrl)).status === 200;

  test('is the first line of status, found without anybody asking the stores for anything', async () => {
    expect((await status()).split('\n')[0]).not.toContain('PROBLEM');
    expect(() => writeFileSync(ballast, Buffer.alloc(60_000_000))).toThrow(/ENOSPC/);
    await until('it is seen by the probes', async () =>
      ((await stack.status()).report?.problems ?? []).some((each) => each.includes('full disk')),
    );
    expect((await status()).split('\n')[0]).toMatch(/^PROBLEM {4}.*full/);
    const { code, stdout } = await stack.banyan(['status', '--json']);
    expect([code, (JSON.parse(stdout) as { problems: string[] }).problems.length > 0]).toEqual([0, true]);
  }, 180_000);

  test('keeps nobody from taking the reads back', async () => {
    const { code, stdout, stderr } = await stack.banyan(['rollback', 'reviews', '--reason', 'disk full']);
    expect(stdout + stderr).toContain('canary 100 % -> syncing');
    expect(code).toBe(0);
    await until('the proxy has it', async () => {
      const { report } = await stack.status();
      const proxy = report?.proxies[0]?.report;
      return proxy !== undefined && proxy.slices[0]?.askedShare === 0;
    });
    expect(await answers()).toBe(true);
  }, 180_000);

  test('ends neither the supervisor nor the shop while processes come and go', async () => {
    const { supervisor } = stack;
    for (const name of ['reviews', 'reader', 'monolith', 'proxy'] as const) {
      const pid = stack.pid(name);
      process.kill(pid, 'SIGKILL');
      await until(`the ${name} has ended`, () => !isAlive(pid));
      await until('the shop answers', answers);
    }
    expect([supervisor.exitCode, supervisor.signalCode]).toEqual([null, null]);
  }, 180_000);

  test('with room again everything is written down, and status has nothing to say first', async () => {
    rmSync(ballast);
    await until('no problem is left', async () => !(await status()).includes('PROBLEM'), 90_000);
    await until('the run state is whole', () => stack.pids().every(isAlive));
    const { entries } = await stack.json<{ entries: { verb: string; reason: string }[] }>(
      'journal',
      'reviews',
    );
    expect(entries.filter(({ verb }) => verb === 'rollback')).toEqual([
      expect.objectContaining({ reason: 'disk full' }),
    ]);
  }, 180_000);
});
