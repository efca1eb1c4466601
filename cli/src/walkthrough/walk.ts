import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlClient } from '../control-client.ts';
import { readCustomerTotals } from '../customers.ts';
import { projectRoot, type Home } from '../home.ts';
import { sharesText } from '../output/status-text.ts';
import { duration, style } from '../output/terminal.ts';
import { wrap } from '../output/wrap.ts';
import { readRunState } from '../supervise/run-state.ts';
import type { Lesson } from './lesson.ts';
import { parseProbe, type Finding, type Observation } from './probes.ts';

/** How long a check is looked at again before it counts as not passed. */
const CHECK_TIMEOUT_MS = 60_000;
const CHECK_INTERVAL_MS = 500;
/** Columns of prose: longer lines are hard to read. */
const MAX_WIDTH = 100;

/** What the walkthrough asks of the person at the keyboard; `--auto` answers by itself. */
export interface Guide {
  /** Shows a question. @returns false when the person leaves instead of going on. */
  predict(question: string): Promise<boolean>;
  /** Shows a command, and asks whether to run it. */
  mayRun(command: string): Promise<boolean>;
}

/** Runs one fenced command in a shell at the root of the project, with its output shown. @returns exit code. */
function runCommand(command: string, home: Home): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-e', '-c', command], {
      cwd: projectRoot,
      stdio: 'inherit',
      env: { ...process.env, BANYAN_HOME: home.dir, npm_config_loglevel: 'error' },
    });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function observe(home: Home): Promise<Observation> {
  const control = ControlClient.open(home);
  const report = await control.status(AbortSignal.timeout(10_000));
  const run = readRunState(home);
  if (!run) throw new Error('Banyan has stopped.');
  return { run, report, customers: readCustomerTotals(home), control };
}

/** Looks until the probe passes or its time is over. */
async function checkProbe(line: string, home: Home): Promise<Finding> {
  const probe = parseProbe(line);
  const deadline = Date.now() + CHECK_TIMEOUT_MS;
  for (;;) {
    let finding: Finding;
    try {
      finding = await probe(await observe(home));
    } catch (error) {
      // A part that is just being started again does not answer; that is a finding like another.
      const got = error instanceof Error ? error.message : String(error);
      finding = { passed: false, wanted: line, got, hint: 'npx banyan doctor' };
    }
    if (finding.passed || Date.now() > deadline) return finding;
    await sleep(CHECK_INTERVAL_MS);
  }
}

/** `asked 50 % · served 49.6 % · n=200 · lag p99 12 ms · client errors 0`. */
async function figures(home: Home): Promise<string> {
  const { report, customers } = await observe(home);
  const errors = report.proxies.reduce((sum, { report: proxy }) => sum + proxy.clientErrors, 0);
  return report.slices
    .map((slice) =>
      [
        `${slice.name}: ${sharesText(slice)}`,
        `lag p99 ${duration(slice.sync?.lag?.p99Ms ?? null)}`,
        `client errors ${errors + (customers?.errors ?? 0)}`,
      ].join(' · '),
    )
    .join('\n');
}

export type Outcome = 'passed' | 'not-yet' | 'quit' | 'broken';

/** Goes through one lesson: predict, do, check, what you just saw. */
export async function walk(lesson: Lesson, home: Home, guide: Guide): Promise<Outcome> {
  const width = Math.min(process.stdout.columns || MAX_WIDTH, MAX_WIDTH);
  console.log(`\n${style('bold', lesson.title)}\n\n${wrap(lesson.intro, width)}\n`);
  if (lesson.predict && !(await guide.predict(lesson.predict))) return 'quit';
  for (const command of lesson.commands) {
    console.log(style('cyan', command.replaceAll(/^/gm, '$ ')));
    if (!(await guide.mayRun(command))) return 'quit';
    const code = await runCommand(command, home);
    if (code === 3) return 'broken';
    if (code !== 0) {
      console.log(
        `${style('yellow', 'not yet')}  the command ended with exit code ${code}; what it said is above`,
      );
      return 'not-yet';
    }
    console.log('');
  }
  let passed = true;
  for (const line of lesson.probes) {
    const { passed: isPassed, wanted, got, hint } = await checkProbe(line, home);
    passed &&= isPassed;
    console.log(
      `${isPassed ? style('green', 'passed ') : style('yellow', 'not yet')}  wanted: ${wanted}; got: ${got}`,
    );
    if (!isPassed) console.log(`         try: ${hint}`);
  }
  console.log(`${style('dim', 'now    ')}  ${await figures(home)}`);
  if (passed) console.log(`\n${wrap(lesson.seen, width)}`);
  return passed ? 'passed' : 'not-yet';
}
