import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { readFeedOptions, UsageError, type FeedOptions } from './options.ts';
import { textOf } from './report.ts';
import type { RunOptions, RunResult } from './run-benches.ts';

/** A command line that runs benchmarks. */
export interface BenchCommand {
  readonly usage: string;
  /** Benchmarks that may be named. */
  readonly names: readonly string[];
  readonly run: (options: RunOptions) => Promise<RunResult>;
  /** Files to write, by path: the page asked for and what belongs to it. */
  readonly filesOf: (
    file: string,
    result: RunResult,
    dateIso: string,
  ) => Promise<Readonly<Record<string, string>>>;
}

/** Reads the command line, runs, and prints or writes what came of it. Exits 2 for a wrong command. */
export async function runBenchCommand(command: BenchCommand): Promise<void> {
  const options = optionsOrExit(command);
  const result = await command.run({
    ...options,
    onMeasured: (measurement) => {
      if (!options.json) console.log(`${textOf(measurement)}\n`);
    },
  });
  const { machine, measurements } = result;
  if (options.json) {
    console.log(JSON.stringify({ schema_version: 1, machine, sizes: options.sizes, measurements }));
  }
  if (options.writeFile === null) return;
  const files = await command.filesOf(
    resolve(options.writeFile),
    result,
    new Date().toISOString().slice(0, 10),
  );
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

function optionsOrExit({ usage, names }: BenchCommand): FeedOptions {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return readFeedOptions(args, names);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
}
