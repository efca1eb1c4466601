import type { BenchContext } from '../../feed/benches/bench.ts';
import type { Measurement } from '../../feed/measurement.ts';
import type { KafkaOnDemand } from '../kafka-on-demand.ts';

/** What a benchmark of both stacks gets. */
export interface StackContext extends BenchContext {
  readonly kafka: KafkaOnDemand;
}

export type StackBench = (context: StackContext) => Promise<Measurement>;

/** Rows of one transaction of a backlog. */
export const ROWS_PER_TRANSACTION = 100;
