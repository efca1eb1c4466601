import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** `npm run browser` with BANYAN_STACK=kafka does all of them; here the pages side by side are enough. */
test('both paths show the same pages while Debezium and Kafka feed the service', async () => {
  const playwright = join(root, 'node_modules', '.bin', 'playwright');
  const child = spawn(
    playwright,
    ['test', '--config', 'regression/playwright.config.ts', '--reporter', 'line', '--project', 'parity'],
    {
      cwd: root,
      // Playwright refuses to run where it believes itself within Jest.
      env: { ...process.env, NODE_OPTIONS: '', JEST_WORKER_ID: undefined, BANYAN_STACK: 'kafka' },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let printed = '';
  child.stdout.on('data', (text: Buffer) => {
    printed += text.toString('utf8');
  });
  await once(child, 'close');
  expect([child.exitCode, printed]).toEqual([0, expect.stringMatching(/\d+ passed/)]);
}, 300_000);
