import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from './context.ts';
import type { Home } from '../home.ts';
import { CommandError } from '../output/command-error.ts';
import { processStartedAt, readRunState } from '../supervise/run-state.ts';
import { printJson } from '../output/terminal.ts';

const STOP_TIMEOUT_MS = 40_000;

export interface DownOptions {
  /** Also puts the state folder aside, so that the next `up` begins from nothing. */
  readonly erase?: boolean;
}

const PUT_ASIDE = 'put-aside';

/**
 * Moves all that a home holds into a folder inside it, which nothing reads: beside it, git and the tools would find its
 * secrets and its database.
 *
 * @returns that folder; null when there was nothing to move.
 */
export function putAside(home: Home): string | null {
  if (!existsSync(home.dir)) return null;
  const names = readdirSync(home.dir).filter((name) => ![PUT_ASIDE, '.gitignore'].includes(name));
  if (names.length === 0) return null;
  const kept = join(home.dir, PUT_ASIDE, new Date().toISOString().replaceAll(/[:.]/g, '-'));
  mkdirSync(kept, { recursive: true, mode: 0o700 });
  for (const name of names) renameSync(join(home.dir, name), join(kept, name));
  return kept;
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
  if (options.erase) kept = putAside(home);
  if (context.json) {
    printJson({ schema_version: 1, stopped: run !== null, kept, next_steps: ['banyan up'] });
    return;
  }
  console.log(run ? 'stopped' : 'nothing ran');
  if (kept)
    console.log(`the state was put aside in ${kept}; delete that folder when you do not want it back`);
  else if (run) console.log('the state stays; `npx banyan up` goes on from it');
}
