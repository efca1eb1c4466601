import { expect, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FullStack } from './full-stack.ts';
import { until } from './stack.ts';

const full = new FullStack();
const { stack } = full;
const place = stack.home.file('kafka');

/** Gives Kafka's folder a small disk of its own; false when we may not mount one. */
function mountSmallDisk(): boolean {
  mkdirSync(place, { recursive: true, mode: 0o700 });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=700', 'none', place]).status === 0;
}

const isMounted = mountSmallDisk();
if (!isMounted) rmSync(stack.home.dir, { recursive: true });
const onSmallDisk = isMounted ? test : test.skip;

/** Takes all that is left. */
function fill(): void {
  const ballast = openSync(join(place, 'ballast'), 'w');
  try {
    for (;;) writeSync(ballast, Buffer.alloc(65_536));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(ballast);
  }
}

async function kafka(): Promise<{ readonly state: string; readonly restarts: number }> {
  const { run } = await stack.status();
  const found = run.processes.find(({ name }) => name === 'kafka');
  if (!found) throw new Error('no process kafka');
  return found;
}

onSmallDisk(
  `the broker's disk is full: nothing is said to be in sync, and with room again all goes on by itself${isMounted ? '' : ' (skipped: needs root to mount a small disk)'}`,
  async () => {
    try {
      await full.start();
      full.write();
      await full.inSync();
      await full.goesOnWriting();
      const lastId = await full.lastEntry();
      const controlPid = stack.pid('control');
      await full.notInSyncDuring(async () => {
        fill();
        // It ends, is started again, and ends again, as long as there is no room; longer than readers are patient.
        const { restarts } = await kafka();
        await until(
          'the broker has ended again and again',
          async () => (await kafka()).restarts >= restarts + 6,
          180_000,
        );
        expect(readFileSync(join(stack.home.logsDir, 'kafka.log'), 'utf8')).toContain(
          'No space left on device',
        );
        await until('the feed is said not to run', async () => (await full.feed()).state !== 'running');
        const { stdout } = await stack.banyan(['status']);
        expect(stdout).toContain('NOT in sync');
        const doctor = await stack.banyan(['doctor']);
        expect(doctor.stdout).toMatch(/problem +process kafka: .*\n.*kafka\.log/);
        // The shop does not mind.
        await full.goesOnWriting();
      });
      rmSync(join(place, 'ballast'));
      await full.inSync(240_000);
      await full.goesOnWriting();
      await full.nothingIsLost();
      expect(stack.pid('control')).toBe(controlPid);
      expect((await full.journal()).filter(({ id, verb }) => id > lastId && verb === 'resync')).toEqual([]);
    } finally {
      await full.stopWriting();
      await stack.close({ keepHome: true });
      execFileSync('umount', [place]);
      rmSync(stack.home.dir, { recursive: true });
    }
  },
  600_000,
);
