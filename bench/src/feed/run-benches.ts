import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../child.ts';
import type { BenchContext } from './benches/bench.ts';
import { startFeedDatabase, type FeedDatabase } from './feed-database.ts';
import type { Measurement } from './measurement.ts';
import type { FeedSizes } from './options.ts';
import { describeMachine, type Machine } from './report.ts';

/** What is asked of a run. */
export interface RunOptions {
  /** Names of benchmarks; empty for all. */
  readonly names: readonly string[];
  readonly sizes: FeedSizes;
  /** Called with each result as soon as it is there; the next benchmark waits for it. */
  readonly onMeasured?: (measurement: Measurement, soFar: RunResult) => Promise<void>;
}

/** What a run came to. */
export interface RunResult {
  readonly machine: Machine;
  readonly measurements: readonly Measurement[];
}

/**
 * Runs benchmarks one after the other, in the order of `benches`, against a PostgreSQL of their own.
 *
 * @param options.kafka Makes what benchmarks get as `kafka`; closed in the end.
 */
export async function runBenches<Kafka extends { close(): Promise<void> } | null>(
  options: RunOptions & {
    readonly benches: Readonly<
      Record<string, (context: BenchContext & { readonly kafka: Kafka }) => Promise<Measurement>>
    >;
    readonly kafka: (parts: { readonly folder: string; readonly database: FeedDatabase }) => Kafka;
  },
): Promise<RunResult> {
  const { benches, names, sizes, onMeasured } = options;
  const folder = await mkdtemp(join(tmpdir(), 'banyan-bench-'));
  await chmod(folder, 0o755); // PostgreSQL's account must reach it: else the data lie elsewhere, and stay.
  const measurements: Measurement[] = [];
  try {
    const database = await startFeedDatabase(folder);
    const kafka = options.kafka({ folder, database });
    try {
      const version = await database.sql('SHOW server_version');
      const machine = describeMachine(String(version[0]?.['server_version']));
      for (const [name, bench] of Object.entries(benches)) {
        if (names.length > 0 && !names.includes(name)) continue;
        const own = join(folder, name);
        await mkdir(own);
        const started: Child[] = [];
        try {
          const measurement = await bench({ kafka, folder: own, database, sizes, started });
          measurements.push(measurement);
          await onMeasured?.(measurement, { machine, measurements });
        } finally {
          for (const child of started.toReversed()) await child.close();
          await rm(own, { recursive: true });
        }
      }
      return { machine, measurements };
    } finally {
      await kafka?.close();
      await database.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
