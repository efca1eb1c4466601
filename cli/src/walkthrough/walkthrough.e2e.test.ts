import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Stack } from '../faults/stack.ts';
import { projectRoot } from '../home.ts';

const stack = new Stack();
let shopUrl: string;

beforeAll(async () => {
  ({ shopUrl } = await stack.up('--customers', '12'));
}, 180_000);

afterAll(() => stack.close(), 60_000);

/** Runs the walkthrough as if all steps but these had been passed. */
async function walk(
  left: readonly string[],
  ...args: readonly string[]
): Promise<{ code: number | null; text: string }> {
  const passed = readdirSync(join(projectRoot, 'docs', 'walkthrough'))
    .map((file) => file.replace(/\.md$/, ''))
    .filter((id) => !left.some((number) => id.startsWith(number)));
  writeFileSync(stack.home.file('walkthrough.json'), JSON.stringify({ schema_version: 1, passed }));
  const main = join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    env: { ...process.env, NODE_OPTIONS: '', BANYAN_HOME: stack.home.dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (text += data.toString('utf8')));
  await once(child, 'close');
  return { code: child.exitCode, text };
}

test('steps that somebody took by hand are seen, and a pause is ended where the next step begins', async () => {
  await stack.json('advance', 'reviews', '--wait');
  await stack.json('pause', 'reviews', '--reason', 'by hand');
  const { code, text } = await walk(['02', '03']);
  expect([code, text]).toEqual([0, expect.stringContaining('All steps passed.')]);
  expect(text).toMatch(
    /Step 2 of 8.*reviews is in syncing already, which is where this leads: not run again/s,
  );
  expect(text).toMatch(/Step 3 of 8.*reviews is in syncing, paused, so somebody has moved it by hand/s);
  expect((await stack.slice()).share).toBe(0.05);
  // Without a terminal, each question stands there with its answer.
  expect(text).toMatch(
    /Predict: Customers write reviews .*\n {2}- Yes, all of them\n[^]*\nAnswer: Yes, all of them\n/,
  );
}, 240_000);

test('git adds nothing of a home, wherever it lies', () => {
  expect(readFileSync(stack.home.file('.gitignore'), 'utf8')).toBe('*\n');
});

test('a shop that the walkthrough did not start is neither stopped at its end nor by --reset', async () => {
  expect((await fetch(shopUrl)).status).toBe(200);
  const { code, text } = await walk(['02', '03'], '--reset');
  expect(code).toBe(3);
  expect(text).toContain('was not started by the walkthrough');
  expect((await fetch(shopUrl)).status).toBe(200);
}, 180_000);
