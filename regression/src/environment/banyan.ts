import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { FullEnvironment } from './environment.ts';

/** Root of the checkout: where `banyan`'s words mean something. */
export const checkoutFolder = fileURLToPath(new URL('../../..', import.meta.url));

const COMMAND_TIMEOUT_MS = 150_000;
/** A gate may not pass yet, e.g. before the first heartbeat came through. */
const GATES_TIMEOUT_MS = 60_000;
const GATES_POLL_MS = 500;
/** Exit code of a command that was refused for now. */
const REFUSED = 1;

interface Outcome {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

/** Runs one `banyan` command with `--json`. */
function run(environment: FullEnvironment, words: readonly string[]): Promise<Outcome> {
  const [command = '', ...first] = environment.banyan;
  const options = {
    cwd: checkoutFolder,
    timeout: COMMAND_TIMEOUT_MS,
    env: { ...process.env, BANYAN_HOME: environment.home, BANYAN_BY: 'regression' },
  };
  return new Promise((resolve) => {
    execFile(command, [...first, ...words, '--json'], options, (error, output, errors) => {
      const code = error ? (typeof error.code === 'number' ? error.code : 127) : 0;
      resolve({ code, output, errors: errors || (error?.message ?? '') });
    });
  });
}

async function mustRun(environment: FullEnvironment, words: readonly string[]): Promise<string> {
  const deadlineMs = performance.now() + GATES_TIMEOUT_MS;
  for (;;) {
    const { code, output, errors } = await run(environment, words);
    if (code === 0) return output;
    if (code !== REFUSED || performance.now() > deadlineMs) {
      throw new Error(`banyan ${words.join(' ')} ended with ${code}:\n${output}${errors}`);
    }
    await sleep(GATES_POLL_MS);
  }
}

const statusSchema = z.object({
  control: z.object({
    slices: z.array(z.object({ name: z.string(), phase: z.string(), share: z.number() })),
  }),
});

/** Phase and share of the slice of reviews, by `banyan status`. */
export async function readReviewsSlice(environment: FullEnvironment) {
  const { control } = statusSchema.parse(JSON.parse(await mustRun(environment, ['status'])));
  const slice = control.slices.find(({ name }) => name === 'reviews');
  if (!slice) throw new Error('banyan status shows no slice "reviews".');
  return slice;
}

/**
 * Brings the slice of reviews to a share of reads from the service, from wherever it is. Returns when every proxy
 * has it. @param share 0 to 1; 0 is the monolith
 */
export async function bringReviewsTo(environment: FullEnvironment, share: number): Promise<void> {
  const { phase, share: current } = await readReviewsSlice(environment);
  const inCanary = phase === 'canary';
  if (share === 0) {
    if (inCanary)
      await mustRun(environment, ['rollback', 'reviews', '--reason', 'regression tests', '--wait']);
    return;
  }
  if (inCanary && current === share) return;
  if (phase === 'monolith') await mustRun(environment, ['advance', 'reviews', '--wait']);
  const percent = `${share * 100}%`;
  await mustRun(environment, [
    ...['route', 'reviews', '--share', percent],
    ...['--reason', 'regression tests', '--wait'],
  ]);
}
