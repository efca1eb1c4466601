import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { findJavaTools, KafkaStackError } from '@banyan/kafka';
import { runBenchCommand } from './feed/bench-command.ts';
import { markdownOf, type Machine, type Page } from './feed/report.ts';
import { barsOf } from './stack/bars.ts';
import { runStackBenches, stackBenchNames } from './stack/run-stack-benches.ts';

const USAGE = `npm run bench:stack -- [NAME...] [--full] [--write FILE] [--json]
  Wants Java 17 or newer and Maven, which downloads Kafka, Debezium and its JDBC sink once.
  NAME                 ${stackBenchNames.join(', ')}; default: all
  --full               300,000 rows where the default is 100,000, and 30 s of lag at each rate
  --rounds N           default 3
  --rows N             backlog
  --rates A,B          transactions a second of the lag benchmarks, default 100,1000
  --lag-seconds N      for each rate
  --write FILE         writes a page of documentation and its picture, e.g. docs/reference/stack-benchmarks.md
  --json               prints JSON (schema_version 1) instead of tables
example: npm run bench:stack -- source sink --rows 20000 --rounds 1`;

const BUSY = `**The machine was overloaded: more processes wanted a core than it has.** That costs Java and Kafka's many small exchanges more
than it costs one Node process, so the ratios are too good for the embedded stack, and tell less than those of a run on a
quiet machine.

`;

const POM = new URL('../../cdc/kafka/pom.xml', import.meta.url);

async function pageOf(picture: string, { loadAtStart, cores }: Machine): Promise<Page> {
  const pom = await readFile(POM, 'utf8');
  const version = (name: string): string => new RegExp(`<${name}>(.+)</${name}>`).exec(pom)?.[1] ?? 'unknown';
  const { javaVersion } = await findJavaTools({ needsMaven: false });
  return {
    title: 'Benchmarks of both stacks',
    command: 'npm run bench:stack -- --write docs/reference/stack-benchmarks.md',
    about: `${loadAtStart > cores ? BUSY : ''}All contestants moved the same rows of one PostgreSQL. When to use which: [which-stack.md](which-stack.md).

![Bars of the figures in the tables below](${picture})`,
    versions: [
      `Java ${javaVersion}`,
      `Kafka ${version('kafka.version')}`,
      `Debezium ${version('debezium.version')}`,
      `its JDBC sink ${version('debezium.jdbc.version')}`,
    ],
  };
}

try {
  await runBenchCommand({
    usage: USAGE,
    names: stackBenchNames,
    run: runStackBenches,
    async filesOf(file, { measurements, machine }, dateIso) {
      const pictureFile = file.replace(/\.md$/, '') + '.svg';
      const page = await pageOf(basename(pictureFile), machine);
      return {
        [file]: markdownOf(measurements, { page, machine, dateIso }),
        [pictureFile]: barsOf(measurements),
      };
    },
  });
} catch (error) {
  if (!(error instanceof KafkaStackError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
