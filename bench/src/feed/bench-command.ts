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
  const dateIso = new Date().toISOString().slice(0, 10);
  const { machine, measurements } = await command.run({
    ...options,
    async onMeasured(measurement, soFar) {
      if (!options.json) console.log(`${textOf(measurement)}\n`);
      if (options.writeFile === null) return;
      // Each time, so that a run that is ended leaves what it has measured.
      await writeAll(await command.filesOf(resolve(options.writeFile), soFar, dateIso));
    },
  });
  if (options.json) {
    console.log(JSON.stringify({ schema_version: 1, machine, sizes: options.sizes, measurements }));
  }
}

async function writeAll(files: Readonly<Record<string, string>>): Promise<void> {
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
