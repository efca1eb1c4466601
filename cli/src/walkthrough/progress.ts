import { mkdirSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Home } from '../home.ts';
import { writeWhole } from '../supervise/run-state.ts';

const progressSchema = z.object({ schema_version: z.literal(1), passed: z.array(z.string()) });

/** Ids of the lessons that were passed in this home. Plain JSON in `walkthrough.json`. */
export function readProgress(home: Home): readonly string[] {
  try {
    return progressSchema.parse(JSON.parse(readFileSync(home.file('walkthrough.json'), 'utf8'))).passed;
  } catch {
    return []; // not begun here
  }
}

export function saveProgress(home: Home, passed: readonly string[]): void {
  mkdirSync(home.dir, { recursive: true, mode: 0o700 });
  writeWhole(home.file('walkthrough.json'), `${JSON.stringify({ schema_version: 1, passed })}\n`);
}
