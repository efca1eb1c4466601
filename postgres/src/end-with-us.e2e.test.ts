import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

test('a server ends with whoever started it, also when that was killed', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'banyan-end-'));
  chmodSync(dir, 0o755); // PostgreSQL's account must reach it
  const script = `
    const { startCluster } = await import(${JSON.stringify(new URL('cluster.ts', import.meta.url).href)});
    const { pid } = await startCluster({ dir: ${JSON.stringify(dir)}, settings: { fsync: 'off' } });
    console.log(pid);
    setInterval(() => {}, 1_000);`;
  const starter = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(starter.stdout, 'data')) as [Buffer];
  const pid = Number(said.toString());
  expect(isAlive(pid)).toBe(true);
  starter.kill('SIGKILL');
  await once(starter, 'exit');
  while (isAlive(pid)) await sleep(50);
  rmSync(dir, { recursive: true });
}, 180_000);

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
