import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlClient } from '../control-client.ts';
import { readCustomerTotals } from '../customers.ts';
import { projectRoot, type Home } from '../home.ts';
import { sharesText } from '../output/status-text.ts';
import { duration, style } from '../output/terminal.ts';
import { wrap } from '../output/wrap.ts';
import { readRunState } from '../supervise/run-state.ts';
import { verdictOn, type Guide } from './guide.ts';
import type { Lesson, LessonCommand, Question } from './lesson.ts';
import { showMeter } from './meter.ts';
import { commandsTo, describePlace, isSamePlace, placeOf, type Place } from './place.ts';
import { parseProbe, type Finding, type Observation } from './probes.ts';
import { rememberStart } from './progress.ts';

/** How long a check is looked at again before it counts as not passed. */
const CHECK_TIMEOUT_MS = 60_000;
const CHECK_INTERVAL_MS = 500;
/** Columns of prose: longer lines are hard to read. */
const MAX_WIDTH = 100;

/** What a step needs besides its text. */
export interface Walk {
  readonly home: Home;
  readonly guide: Guide;
  /** From 1. */
  readonly step: number;
  readonly steps: number;
  /** Address of the shop that shows who answered, for a person to open. */
  readonly windowUrl: string;
}

export type Outcome = 'passed' | 'not-yet' | 'quit' | 'broken';

/** Runs one fenced command in a shell at the root of the project, with its output shown. @returns exit code. */
function runCommand(command: string, home: Home): Promise<number> {
  return rememberStart(
    home,
    () =>
      new Promise((resolve, reject) => {
        const child = spawn('sh', ['-e', '-c', command], {
          cwd: projectRoot,
          stdio: 'inherit',
          env: { ...process.env, BANYAN_HOME: home.dir, npm_config_loglevel: 'error' },
        });
        child.once('error', reject);
        child.once('exit', (code) => resolve(code ?? 1));
      }),
  );
}

async function runMetered(command: string, slice: string, home: Home): Promise<number> {
  const stopped = new AbortController();
  // The meter only shows; what it cannot ask is the checks' to say.
  const meter = showMeter(home, slice, stopped.signal).catch(() => undefined);
  const code = await runCommand(command, home);
  if (code !== 0) stopped.abort();
  await meter;
  return code;
}

async function observe(home: Home, windowUrl: string): Promise<Observation> {
  const control = ControlClient.open(home);
  const report = await control.status(AbortSignal.timeout(10_000));
  const run = readRunState(home);
  if (!run) throw new Error('Banyan has stopped.');
  return { run, report, customers: readCustomerTotals(home), control, windowUrl };
}

/** Looks until the probe passes or its time is over. */
async function checkProbe(line: string, { home, windowUrl }: Walk): Promise<Finding> {
  const probe = parseProbe(line);
  const deadline = Date.now() + CHECK_TIMEOUT_MS;
  for (;;) {
    let finding: Finding;
    try {
      finding = await probe(await observe(home, windowUrl));
    } catch (error) {
      // A part that is just being started again does not answer; that is a finding like another.
      const got = error instanceof Error ? error.message : String(error);
      finding = { passed: false, wanted: line, got, hint: 'npx banyan doctor' };
    }
    if (finding.passed || Date.now() > deadline) return finding;
    await sleep(CHECK_INTERVAL_MS);
  }
}

/** `asked 50 % · served 49.6 % of 200 reads · lag 12 ms · client errors 0`. */
async function figures({ home, windowUrl }: Walk): Promise<string> {
  const { report, customers } = await observe(home, windowUrl);
  const errors = report.proxies.reduce((sum, { report: proxy }) => sum + proxy.clientErrors, 0);
  return report.slices
    .map((slice) =>
      [
        `${slice.name}: ${sharesText(slice)}`,
        `lag ${duration(slice.sync?.lag?.p99Ms ?? null)}`,
        `client errors ${errors + (customers?.errors ?? 0)}`,
      ].join(' · '),
    )
    .join('\n');
}

/** Where a slice stands now, and whether it is paused; null while nothing runs. */
async function lookAt(slice: string, home: Home): Promise<{ place: Place | null; isPaused: boolean } | null> {
  if (!readRunState(home)) return null;
  const report = await ControlClient.open(home).status(AbortSignal.timeout(10_000));
  const found = report.slices.find(({ name }) => name === slice);
  if (!found) throw new Error(`There is no slice "${slice}".`);
  return { place: placeOf(found), isPaused: found.paused !== null };
}

/** Shows a command, and runs it if it may. */
async function offer(command: string, walk: Walk, run: () => Promise<number>): Promise<Outcome> {
  console.log(style('cyan', command.replaceAll(/^/gm, '$ ')));
  if (!(await walk.guide.mayRun())) return 'quit';
  const code = await run();
  if (code === 3) return 'broken';
  if (code !== 0) {
    console.log(
      `${style('yellow', 'not yet')}  the command ended with exit code ${code}; what it said is above`,
    );
    return 'not-yet';
  }
  console.log('');
  return 'passed';
}

/** Brings a slice that somebody moved by hand to where the command begins. @returns `skip` when it has led there already. */
async function prepare({ move }: LessonCommand, walk: Walk): Promise<Outcome | 'skip'> {
  if (!move) return 'passed';
  const { slice, from, to } = move;
  const seen = await lookAt(slice, walk.home);
  if (!seen?.place) return 'passed';
  if (to && isSamePlace(seen.place, to)) {
    console.log(`${slice} is in ${describePlace(to)} already, which is where this leads: not run again.\n`);
    return 'skip';
  }
  const commands = [
    ...(seen.isPaused ? [`npx banyan resume ${slice}`] : []),
    ...commandsTo(slice, seen.place, from),
  ];
  if (commands.length === 0) return 'passed';
  const found = `${describePlace(seen.place)}${seen.isPaused ? ', paused' : ''}`;
  console.log(
    `${slice} is in ${found}, so somebody has moved it by hand. This begins in ${describePlace(from)}; to go there:`,
  );
  for (const command of commands) {
    const outcome = await offer(command, walk, () => runCommand(command, walk.home));
    if (outcome !== 'passed') return outcome;
  }
  return 'passed';
}

async function runAll(lesson: Lesson, walk: Walk): Promise<Outcome> {
  const { home } = walk;
  for (const command of lesson.commands) {
    const running = readRunState(home);
    if (running && command.text.startsWith('npx banyan up')) {
      console.log(`The shop runs already, at ${running.publicUrl}: not started again.\n`);
      continue;
    }
    const prepared = await prepare(command, walk);
    if (prepared === 'skip') continue;
    if (prepared !== 'passed') return prepared;
    const { text, move, isMetered } = command;
    const outcome = await offer(text, walk, () =>
      isMetered && move ? runMetered(text, move.slice, home) : runCommand(text, home),
    );
    if (outcome !== 'passed') return outcome;
  }
  return 'passed';
}

async function checkAll(lesson: Lesson, walk: Walk): Promise<boolean> {
  let passed = true;
  for (const line of lesson.probes) {
    const { passed: isPassed, wanted, got, hint } = await checkProbe(line, walk);
    passed &&= isPassed;
    console.log(
      `${isPassed ? style('green', 'passed ') : style('yellow', 'not yet')}  wanted: ${wanted}; got: ${got}`,
    );
    if (!isPassed) console.log(`         try: ${hint}`);
  }
  return passed;
}

/** The verdict stands below the question. @returns it, to be shown once more where it was seen to be so, or `quit`. */
async function predict(question: Question, { guide }: Walk, width: number): Promise<string> {
  const chosen = await guide.predict(question);
  if (chosen === 'quit') return 'quit';
  const verdict = verdictOn(question, chosen);
  console.log(`${verdict}\n${wrap(question.because, width)}\n`);
  return chosen === null ? '' : `${verdict}\n`;
}

/** Goes through one lesson: predict, do, check, what you just saw. */
export async function walkThrough(lesson: Lesson, walk: Walk): Promise<Outcome> {
  const { guide, step, steps, windowUrl } = walk;
  const width = Math.min(process.stdout.columns || MAX_WIDTH, MAX_WIDTH);
  console.log(
    `\n${style('bold', `Step ${step} of ${steps}: ${lesson.title}`)}\n\n${wrap(lesson.intro, width)}\n`,
  );
  const verdict = lesson.question ? await predict(lesson.question, walk, width) : '';
  if (verdict === 'quit') return 'quit';
  const outcome = await runAll(lesson, walk);
  if (outcome !== 'passed') return outcome;
  const passed = await checkAll(lesson, walk);
  console.log(`${style('dim', 'now    ')}  ${await figures(walk)}`);
  if (guide.isPresent) console.log(`${style('dim', 'see it ')}  ${windowUrl}`);
  if (!passed) return 'not-yet';
  console.log(`\n${verdict}${wrap(lesson.seen, width)}`);
  return 'passed';
}
