import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { findFreePort } from '@banyan/postgres';
import type { ProcessSpec, Readiness } from './process-spec.ts';
import { Reaper } from './reaper.ts';
import type { ProcessState } from './run-state.ts';
import { SupervisedProcess } from './supervised-process.ts';

let folder: string;
let reaper: Reaper;
let supervised: SupervisedProcess | null = null;
let states: ProcessState[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-supervised-'));
  reaper = new Reaper();
});
afterEach(async () => {
  resume();
  await supervised?.stop();
  reaper.close();
  rmSync(folder, { recursive: true });
});

const pid = (): number => supervised?.state.pid ?? 0;

function resume(): void {
  try {
    if (pid() !== 0) process.kill(pid(), 'SIGCONT');
  } catch {
    // it was ended meanwhile: nothing to wake
  }
}

async function start(options: { how: 'http' | 'ipc'; restartAfterMs: number }): Promise<SupervisedProcess> {
  const port = await findFreePort();
  const health: Readiness =
    options.how === 'ipc' ? { kind: 'ipc' } : { kind: 'http', url: `http://127.0.0.1:${port}/` };
  const spec: ProcessSpec = {
    name: 'answering',
    round: 3,
    command: process.execPath,
    args: [join(import.meta.dirname, 'testing/answering-main.ts'), String(port)],
    env: { PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'error' },
    cwd: folder,
    ready: { kind: 'ipc' },
    health,
    restartAfterMs: options.restartAfterMs,
    stopSignal: 'SIGTERM',
    ipc: true,
    url: null,
  };
  states = [];
  supervised = new SupervisedProcess({
    spec,
    logsDir: folder,
    reaper,
    pace: { everyMs: 50, deadlineMs: 1_000 },
    onChange: () => supervised && states.push(supervised.state),
  });
  await supervised.start();
  return supervised;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(20); // the test's own limit ends it
}

describe.each(['http', 'ipc'] as const)('a process that is asked by %s', (how) => {
  test('and that runs but does not answer, is shown, and started anew after the limit', async () => {
    const running = await start({ how, restartAfterMs: 100 });
    const before = pid();
    process.kill(before, 'SIGSTOP');
    await until(() => running.state.state === 'silent');
    expect(running.state.silentMs).toBeGreaterThan(0);
    await until(() => running.state.state === 'ready' && running.state.pid !== before);
    expect(running.state).toMatchObject({ restarts: 1, silentMs: null });
    expect(running.state.lastExit).toMatch(/^did not answer for \d+ s$/);
  });

  test('is never ended when there is no limit, and is ready again once it answers', async () => {
    const running = await start({ how, restartAfterMs: 0 });
    const before = pid();
    process.kill(before, 'SIGSTOP');
    await until(() => states.filter(({ state }) => state === 'silent').length > 4);
    process.kill(before, 'SIGCONT');
    await until(() => running.state.state === 'ready');
    expect(running.state).toMatchObject({ pid: before, restarts: 0, silentMs: null });
  });

  test('and answers, with whatever status, is left alone', async () => {
    const running = await start({ how, restartAfterMs: 1 });
    await sleep(1_000); // some twenty questions
    expect(running.state).toMatchObject({ state: 'ready', restarts: 0 });
    expect(states.some(({ state }) => state === 'silent')).toBe(false);
  });
});
