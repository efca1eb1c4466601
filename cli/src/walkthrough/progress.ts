import { mkdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Home } from '../home.ts';
import { readRunState, writeWhole, type RunState } from '../supervise/run-state.ts';

const progressSchema = z.object({
  schema_version: z.literal(1),
  passed: z.array(z.string()),
  /** The supervisor that the walkthrough started last; it stops no other. */
  started: z.object({ pid: z.number().int(), startedAt: z.string() }).nullable().default(null),
});

export type Progress = Omit<z.infer<typeof progressSchema>, 'schema_version'>;

/** Ids of the lessons that were passed in this home, and what runs for it. Plain JSON in `walkthrough.json`. */
export function readProgress(home: Home): Progress {
  try {
    return progressSchema.parse(JSON.parse(readFileSync(home.file('walkthrough.json'), 'utf8')));
  } catch {
    return { passed: [], started: null }; // not begun here
  }
}

export function saveProgress(home: Home, progress: Progress): void {
  mkdirSync(home.dir, { recursive: true, mode: 0o700 });
  writeWhole(
    home.file('walkthrough.json'),
    `${JSON.stringify({ schema_version: 1, passed: progress.passed, started: progress.started })}\n`,
  );
}

/** True for the supervisor that the walkthrough started. */
export function isOwn(run: RunState, { started }: Progress): boolean {
  return run.supervisorPid === started?.pid && run.supervisorStartedAt === started.startedAt;
}

/** Runs what may start a shop, and remembers the one that it started: one that ran before is somebody else's. */
export async function rememberStart<T>(home: Home, start: () => Promise<T>): Promise<T> {
  const before = readRunState(home);
  const result = await start();
  const run = readRunState(home);
  if (run && run.supervisorPid !== before?.supervisorPid) {
    const started = { pid: run.supervisorPid, startedAt: run.supervisorStartedAt };
    saveProgress(home, { ...readProgress(home), started });
  }
  return result;
}
