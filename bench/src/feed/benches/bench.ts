import type { Child } from '../../child.ts';
import type { FeedDatabase } from '../feed-database.ts';
import type { Measurement } from '../measurement.ts';
import type { FeedSizes } from '../options.ts';

/** What a benchmark gets. Everything that it starts it also ends, by `started`. */
export interface BenchContext {
  /** A folder of its own, on the disk where everything is written. */
  readonly folder: string;
  readonly database: FeedDatabase;
  readonly sizes: FeedSizes;
  /** Processes to end when the benchmark has ended, however it did. */
  readonly started: Child[];
}

export type Bench = (context: BenchContext) => Promise<Measurement>;

/** Starts a process that is ended with the benchmark at the latest. */
export async function track(context: Pick<BenchContext, 'started'>, child: Promise<Child>): Promise<Child> {
  const started = await child;
  context.started.push(started);
  return started;
}

/** `200000` as `200,000`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}
