import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { z } from 'zod';
import { FIRST_PUBLIC_URL } from '../config/before-declarations.ts';
import type { Home } from '../home.ts';

const processStateSchema = z.object({
  name: z.string(),
  pid: z.number().int().nullable(),
  /** `silent`: it runs, and does not answer. */
  state: z.enum(['starting', 'ready', 'silent', 'restarting', 'stopped']),
  /** How long a silent one had not answered when last asked, milliseconds. */
  silentMs: z.number().nullable().default(null),
  restarts: z.number().int(),
  /** How the last run of it ended, for people. */
  lastExit: z.string().nullable(),
  url: z.string().nullable(),
});

const writtenStateSchema = z.object({
  schema_version: z.literal(1),
  supervisorPid: z.number().int(),
  /** Tells this supervisor from another process that got its number later. */
  supervisorStartedAt: z.string(),
  state: z.enum(['starting', 'ready', 'stopping']),
  /** One that an earlier version wrote is of the embedded stack. */
  stack: z.enum(['embedded', 'kafka']).default('embedded'),
  publicUrl: z.string(),
  monolithUrl: z.string(),
  controlUrl: z.string(),
  proxyAdminUrl: z.string(),
  processes: z.array(processStateSchema),
});

/** One that an earlier version wrote calls the address for customers otherwise. */
const runStateSchema = z.preprocess((value) => {
  const written = value as Readonly<Record<string, unknown>> | null;
  return written && FIRST_PUBLIC_URL in written && !('publicUrl' in written)
    ? { ...written, publicUrl: written[FIRST_PUBLIC_URL] }
    : value;
}, writtenStateSchema);

export type RunState = z.infer<typeof writtenStateSchema>;
export type ProcessState = z.infer<typeof processStateSchema>;

/** When a process began, in a form that only serves to be compared; null when it does not exist. */
export function processStartedAt(pid: number): string | null {
  try {
    if (process.platform === 'linux') {
      // Field 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold spaces, so count from its end.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? null : (fields[19] ?? null);
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null;
  } catch {
    return null; // no such process
  }
}

/** Writes a file so that a reader sees the old text or the new one, never half. */
export function writeWhole(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const handle = openSync(temporary, 'w', 0o600);
    try {
      writeFileSync(handle, text); // all of it, or an error: one write alone may end half-way on a full disk
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch (cause) {
    rmSync(temporary, { force: true }); // it takes room where there is none
    throw cause;
  }
}

/** What the file of a run holds. */
export function runStateText(state: RunState): string {
  return `${JSON.stringify(state, null, 2)}\n`;
}

export function removeRunState(home: Home): void {
  rmSync(home.runFile, { force: true });
}

/** What was last written, whether or not that supervisor still lives; null with nothing readable. */
export function readLastRunState(home: Home): RunState | null {
  let text: string;
  try {
    text = readFileSync(home.runFile, 'utf8');
  } catch {
    return null; // nothing was started here, or it was stopped in order
  }
  const result = runStateSchema.safeParse(JSON.parse(text));
  return result.success ? result.data : null;
}

/** What runs now; null when no supervisor is alive in this home. */
export function readRunState(home: Home): RunState | null {
  const state = readLastRunState(home);
  return state && processStartedAt(state.supervisorPid) === state.supervisorStartedAt ? state : null;
}
