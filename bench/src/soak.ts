import { Stack } from '../../cli/src/faults/stack.ts';
import { UsageError } from './feed/options.ts';
import { kindsOfStack } from './soak/kill-plan.ts';
import { readSoakOptions, type SoakOptions } from './soak/options.ts';
import { soakText } from './soak/report.ts';
import { lastLines, runSoak } from './soak/run-soak.ts';

const USAGE = `npm run bench:soak -- [--minutes 20] [--seed N] [--stack kafka] [--pairs] [--json]
  --minutes N    how long parts are killed, default 20
  --seed N       what is killed when, and what is written; printed, so that a run can be repeated
  --customers N  built-in customers, default 4
  --rate N       transactions a second of the extra writer, default 40
  --stack NAME   embedded (default) or kafka
  --pairs        two parts within two seconds each time, not one
  --kill A,B     only these: ${kindsOfStack.embedded.join(', ')};
                 with --stack kafka ${kindsOfStack.kafka.join(', ')}
  --keep         keeps the home with its logs; a soak that failed keeps it anyway
  --json         figures as JSON (schema_version 1)
Exits 0 when both sides are equal and nothing acknowledged was lost, 1 when not, 2 for a wrong command.
example: npm run bench:soak -- --minutes 3 --seed 7`;

function optionsOrExit(): SoakOptions {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(USAGE);
    process.exit(0);
  }
  try {
    return readSoakOptions(args, Date.now());
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const options = optionsOrExit();
const startedAtMs = Date.now();
const say = (line: string): void => {
  const atS = ((Date.now() - startedAtMs) / 1_000).toFixed(1);
  console.error(`${atS.padStart(7)} s  ${line}`);
};
const stack = new Stack();
let isPassed = false;
try {
  say(`seed ${options.seed}, ${options.minutes} minutes`);
  const result = await runSoak({ stack, options, say });
  isPassed = result.faults.length === 0;
  console.log(options.json ? JSON.stringify({ schema_version: 1, ...result }) : soakText(result));
} catch (error) {
  console.error(error);
  for (const part of kindsOfStack[options.stack]) console.error(`--- ${part}\n${lastLines(stack, part)}`);
} finally {
  const isKept = options.keep || !isPassed;
  await stack.close({ keepHome: isKept });
  if (isKept) say(`kept: ${stack.home.dir}`);
}
process.exitCode = isPassed ? 0 : 1;
