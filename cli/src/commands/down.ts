import { renameSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from './context.ts';
import { CommandError } from '../output/command-error.ts';
import { processStartedAt, readRunState } from '../supervise/run-state.ts';
import { printJson } from '../output/terminal.ts';

const STOP_TIMEOUT_MS = 40_000;

export interface DownOptions {
  /** Also puts the state folder aside, so that the next `up` begins from nothing. */
  readonly erase?: boolean;
}

/** Stops what `up` started. Nothing running is no error: that is what was wanted. */
export async function down(options: DownOptions, context: Context): Promise<void> {
  const { home } = context;
  const run = readRunState(home);
  if (run) {
    process.kill(run.supervisorPid, 'SIGTERM');
    const deadline = Date.now() + STOP_TIMEOUT_MS;
    while (processStartedAt(run.supervisorPid) === run.supervisorStartedAt) {
      if (Date.now() > deadline) {
        throw new CommandError({
          code: 'not-stopping',
          message: `The supervisor (process ${run.supervisorPid}) did not stop within ${STOP_TIMEOUT_MS / 1_000} s.`,
          nextSteps: [`kill -9 ${run.supervisorPid}`, 'banyan status'],
          exitCode: 3,
        });
      }
      await sleep(50);
    }
  }
  let kept: string | null = null;
  if (options.erase && existsSync(home.dir)) {
    kept = `${home.dir}.${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
    renameSync(home.dir, kept);
  }
  if (context.json) {
    printJson({ schema_version: 1, stopped: run !== null, kept, next_steps: ['banyan up'] });
    return;
  }
  console.log(run ? 'stopped' : 'nothing ran');
  if (kept)
    console.log(`the state was put aside in ${kept}; delete that folder when you do not want it back`);
  else if (run) console.log('the state stays; `npx banyan up` goes on from it');
}
