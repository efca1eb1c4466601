import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { findFreePort } from '@banyan/postgres';
import { downloadKafka, prepareKafka, type PreparedKafka, type PreparedProcess } from '@banyan/kafka';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessSpec } from './process-spec.ts';
import { Reaper } from './reaper.ts';
import { SupervisedProcess } from './supervised-process.ts';

function specOf(prepared: PreparedProcess): ProcessSpec {
  const { name, command, args, cwd, url, isReady } = prepared;
  return {
    name,
    command,
    args,
    cwd,
    url,
    env: { PATH: process.env['PATH'] ?? '' },
    ready: { kind: 'check', isReady },
    health: { kind: 'check', isReady },
    restartAfterMs: 0,
    round: 4,
    stopSignal: 'SIGTERM',
    ipc: false,
  };
}

let dir: string;
let reaper: Reaper;
let kafka: PreparedKafka;
let broker: SupervisedProcess;
let connect: SupervisedProcess;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'banyan-kafka-'));
  const ports = {
    kafka: await findFreePort(),
    controller: await findFreePort(),
    connect: await findFreePort(),
  };
  kafka = await prepareKafka({ files: await downloadKafka(), dir, ports });
  reaper = new Reaper();
  const supervised = (prepared: PreparedProcess): SupervisedProcess =>
    new SupervisedProcess({ spec: specOf(prepared), logsDir: dir, reaper, onChange: () => undefined });
  broker = supervised(kafka.broker);
  connect = supervised(kafka.connect);
  await broker.start();
  await connect.start();
});

afterAll(async () => {
  await connect.stop();
  await broker.stop();
  reaper.close();
  rmSync(dir, { recursive: true, force: true });
});

async function plugins(): Promise<unknown> {
  const answer = await fetch(`${kafka.connectUrl}/connector-plugins`, {
    signal: AbortSignal.timeout(10_000),
  });
  return await answer.json();
}

async function untilRestarted(supervised: SupervisedProcess, oldPid: number): Promise<void> {
  while (supervised.state.pid === oldPid || supervised.state.state !== 'ready')
    await new Promise((resolve) => setTimeout(resolve, 50));
}

function residentMb(pid: number | null): number {
  const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8'))?.[1];
  return Number(kb) / 1_024;
}

test('broker and Connect serve, within 800 MB together', async () => {
  expect(await plugins()).toMatchObject([{ class: 'io.debezium.connector.postgresql.PostgresConnector' }]);
  if (process.platform === 'linux') {
    expect(residentMb(broker.state.pid) + residentMb(connect.state.pid)).toBeLessThan(800);
  }
});

test.each(['broker', 'connect'] as const)('a killed %s comes back and serves', async (name) => {
  const supervised = { broker, connect }[name];
  const pid = supervised.state.pid ?? 0;
  process.kill(pid, 'SIGKILL');
  await untilRestarted(supervised, pid);
  expect(supervised.state).toMatchObject({ restarts: 1, lastExit: 'killed by SIGKILL' });
  expect(await kafka[name].isReady(AbortSignal.timeout(5_000))).toBe(true);
  expect(await plugins()).toHaveLength(1);
});

test('stopping leaves no process behind, and what was kept starts again on other ports', async () => {
  const pids = [broker.state.pid, connect.state.pid];
  await connect.stop();
  await broker.stop();
  for (const pid of pids) expect(() => process.kill(pid ?? 0, 0)).toThrow('ESRCH');

  const ports = { kafka: await findFreePort(), controller: await findFreePort(), connect: 0 };
  const again = await prepareKafka({ files: await downloadKafka(), dir, ports });
  const restarted = new SupervisedProcess({
    spec: specOf(again.broker),
    logsDir: dir,
    reaper,
    onChange: () => undefined,
  });
  await restarted.start();
  await restarted.stop();
});
