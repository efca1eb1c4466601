import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../child.ts';
import { benchApply } from './benches/apply.ts';
import type { Bench } from './benches/bench.ts';
import { benchLag } from './benches/lag.ts';
import { benchMemory } from './benches/memory.ts';
import { benchReader } from './benches/reader.ts';
import { benchTableSnapshot } from './benches/table-snapshot.ts';
import { benchVerify } from './benches/verify.ts';
import { startFeedDatabase } from './feed-database.ts';
import type { Measurement } from './measurement.ts';
import type { FeedSizes } from './options.ts';
import { describeMachine, type Machine } from './report.ts';

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

/**
 * Runs benchmarks one after the other against a PostgreSQL of their own.
 *
 * @param options.names Empty for all.
 * @param options.onMeasured Called with each result as soon as it is there.
 */
export async function runFeedBenches(options: {
  readonly names: readonly string[];
  readonly sizes: FeedSizes;
  readonly onMeasured?: (measurement: Measurement) => void;
}): Promise<{ readonly machine: Machine; readonly measurements: readonly Measurement[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'banyan-bench-feed-'));
  const measurements: Measurement[] = [];
  try {
    const database = await startFeedDatabase(folder);
    try {
      const version = await database.sql('SHOW server_version');
      const machine = describeMachine(String(version[0]?.['server_version']));
      for (const name of feedBenchNames.filter(
        (each) => options.names.length === 0 || options.names.includes(each),
      )) {
        const own = join(folder, name);
        await mkdir(own);
        const started: Child[] = [];
        try {
          const measurement = await benches[name]?.({ folder: own, database, sizes: options.sizes, started });
          if (!measurement) continue;
          measurements.push(measurement);
          options.onMeasured?.(measurement);
        } finally {
          for (const child of started.toReversed()) await child.close();
          await rm(own, { recursive: true });
        }
      }
      return { machine, measurements };
    } finally {
      await database.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
