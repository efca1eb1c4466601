import { runBenches, type RunOptions, type RunResult } from '../feed/run-benches.ts';
import { benchBothEnds } from './benches/both-ends.ts';
import { benchExactlyOnce } from './benches/exactly-once.ts';
import { benchFetchWait } from './benches/fetch-wait.ts';
import { benchStackLag } from './benches/lag.ts';
import { benchStackMemory } from './benches/memory.ts';
import { benchSink } from './benches/sink.ts';
import { benchSource } from './benches/source.ts';
import type { StackBench } from './benches/stack-bench.ts';
import { KafkaOnDemand } from './kafka-on-demand.ts';

const benches: Readonly<Record<string, StackBench>> = {
  source: benchSource,
  sink: benchSink,
  'both-ends': benchBothEnds,
  lag: benchStackLag,
  memory: benchStackMemory,
  'exactly-once': benchExactlyOnce,
  'fetch-wait': benchFetchWait,
};

/** Names of the benchmarks, in the order in which they run. */
export const stackBenchNames: readonly string[] = Object.keys(benches);

/** Runs them against one PostgreSQL and, one after the other, Kafkas of their own. */
export async function runStackBenches(options: RunOptions): Promise<RunResult> {
  return await runBenches({
    ...options,
    benches,
    kafka: ({ folder, database }) => new KafkaOnDemand(folder, database.url),
  });
}
