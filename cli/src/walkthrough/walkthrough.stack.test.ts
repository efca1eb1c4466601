import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

test('the walkthrough passes on Kafka and Debezium, with the lessons of the embedded stack', async () => {
  const home = mkdtempSync(join(tmpdir(), 'banyan-walkthrough-'));
  chmodSync(home, 0o711); // PostgreSQL's account must reach it: else the data lie elsewhere, and stay.
  const main = join(import.meta.dirname, 'main.ts');
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, '--auto', '--stack', 'kafka'],
    { env: { ...process.env, NODE_OPTIONS: '', BANYAN_HOME: home }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let printed = '';
  child.stdout.on('data', (text: Buffer) => {
    printed += text.toString('utf8');
  });
  try {
    await once(child, 'close');
    // With all that it printed, so that a failed step can be seen.
    expect([child.exitCode, printed]).toEqual([0, expect.stringContaining('All steps passed.')]);
    expect(printed).toMatch(/kafka +kafka:\/\/127\.0\.0\.1/);
  } finally {
    child.kill();
    rmSync(home, { recursive: true, force: true });
  }
}, 420_000);
