import { benchApply } from './benches/apply.ts';
import type { Bench } from './benches/bench.ts';
import { benchLag } from './benches/lag.ts';
import { benchMemory } from './benches/memory.ts';
import { benchReader } from './benches/reader.ts';
import { benchTableSnapshot } from './benches/table-snapshot.ts';
import { benchVerify } from './benches/verify.ts';
import { runBenches, type RunOptions, type RunResult } from './run-benches.ts';

const benches: Readonly<Record<string, Bench>> = {
  reader: benchReader,
  apply: benchApply,
  lag: benchLag,
  snapshot: benchTableSnapshot,
  verify: benchVerify,
  memory: benchMemory,
};

/** Names of the benchmarks, in the order in which they run. */
export const feedBenchNames: readonly string[] = Object.keys(benches);

/** Runs them against a PostgreSQL of their own. */
export async function runFeedBenches(options: RunOptions): Promise<RunResult> {
  return await runBenches({ ...options, benches, kafka: () => null });
}
