import { mkdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../home.ts';
import { describeSystemFailure } from './system-failure.ts';
import { ok, problem, type Finding } from './finding.ts';

/** Whether the state folder can be made and written to. What it makes for that goes again. */
export function checkHome({ dir }: Home): Finding {
  const file = join(dir, `.write-test-${process.pid}`);
  try {
    const made = mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(file, 'x', { mode: 0o600 });
    rmSync(file);
    if (made !== undefined) rmdirSync(dir);
    return ok('state folder', dir);
  } catch (error) {
    const words = describeSystemFailure(error);
    if (words === null) throw error;
    return problem(
      'state folder',
      `it cannot be written: ${words}`,
      'BANYAN_HOME=/a/folder/of/yours banyan up # or fix the permissions, or the disk',
    );
  }
}
