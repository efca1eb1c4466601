/**
 * `npm run walkthrough`: goes through docs/walkthrough, whose fenced commands are what runs.
 * Exit codes: 0 passed, 1 not yet, 2 wrong command line, 3 the environment is broken.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { formatDuration } from '@banyan/contracts';
import { openHome, projectRoot, type Home } from '../home.ts';
import { CommandError } from '../output/command-error.ts';
import { printFailure, style } from '../output/terminal.ts';
import { readRunState } from '../supervise/run-state.ts';
import { chooseStack, stackNames, type StackName } from '../supervise/stack-choice.ts';
import { openWindowOf } from '../tester/window-of-home.ts';
import { parseLesson, type Lesson } from './lesson.ts';
import { interactive, printed, type Guide } from './guide.ts';
import { isOwn, readProgress, rememberStart, saveProgress } from './progress.ts';
import { walkThrough, type Outcome } from './walk.ts';

const lessonsDir = join(projectRoot, 'docs', 'walkthrough');
const banyan = join(projectRoot, 'cli', 'bin', 'banyan.js');

function readLessons(): Lesson[] {
  return readdirSync(lessonsDir)
    .filter((file) => /^\d\d-.*\.md$/.test(file))
    .sort()
    .map((file) => parseLesson(file.replace(/\.md$/, ''), readFileSync(join(lessonsDir, file), 'utf8')));
}

/** Runs `banyan` for housekeeping that is no lesson. */
function runBanyan(home: Home, ...args: string[]): number {
  const env = { ...process.env, BANYAN_HOME: home.dir };
  return spawnSync(process.execPath, [banyan, ...args], { stdio: 'inherit', env }).status ?? 1;
}

/** Stops the shop if the walkthrough started it; one that somebody else started goes on. */
function stopOwn(home: Home): void {
  const run = readRunState(home);
  if (run && isOwn(run, readProgress(home))) runBanyan(home, 'down');
}

function finish(outcome: Outcome, step: string): number {
  switch (outcome) {
    case 'passed':
      console.log(`\n${style('green', 'All steps passed.')}`);
      return 0;
    case 'quit':
      console.log(
        `\n${step}: your place is kept. \`npm run walkthrough\` goes on from here, \`npx banyan down\` stops the shop.`,
      );
      return 0;
    case 'not-yet':
      console.log(
        `\n${step}: not yet. \`npm run walkthrough\` tries it again, \`npm run walkthrough -- --reset\` starts over.`,
      );
      return 1;
    case 'broken':
      console.log(`\n${step}: your environment needs fixing first; run \`npx banyan doctor\`.`);
      return 3;
  }
}

/** Starts over. @throws CommandError `not-ours` for a shop that the walkthrough did not start. */
function reset(home: Home): number {
  const run = readRunState(home);
  if (run && !isOwn(run, readProgress(home))) {
    throw new CommandError({
      code: 'not-ours',
      message: `The shop at ${run.publicUrl} was not started by the walkthrough, so the walkthrough does not stop it.`,
      nextSteps: ['npx banyan down', 'npm run walkthrough -- --reset'],
      exitCode: 3,
    });
  }
  return runBanyan(home, 'down', '--erase');
}

/** Steps that are left, from where the walkthrough stopped last. */
async function walkAll(lessons: readonly Lesson[], home: Home, guide: Guide): Promise<number> {
  const passed = [...readProgress(home).passed];
  const startedAtMs = Date.now();
  const steps = lessons.length;
  const window = await openWindowOf(home);
  let [outcome, step]: [Outcome, number] = ['passed', 0];
  try {
    for (const lesson of lessons) {
      step += 1;
      if (passed.includes(lesson.id)) continue;
      outcome = await walkThrough(lesson, { home, guide, step, steps, windowUrl: window.url });
      if (outcome !== 'passed') break;
      passed.push(lesson.id);
      saveProgress(home, { ...readProgress(home), passed });
    }
  } finally {
    await window.close();
  }
  if (guide === printed) stopOwn(home);
  const code = finish(outcome, `Step ${step} of ${steps}`);
  if (guide === printed)
    console.log(`${passed.length} of ${steps} steps in ${formatDuration(Date.now() - startedAtMs)}`);
  return code;
}

async function main(options: {
  readonly auto?: boolean;
  readonly reset?: boolean;
  readonly stack?: StackName;
}): Promise<number> {
  const home = openHome();
  const lessons = readLessons();
  if (options.reset) {
    const code = reset(home);
    if (code !== 0) return code;
  }
  // The lessons' own `banyan up` starts it. Refused here, where a place that was kept is of another stack.
  process.env['BANYAN_STACK'] = chooseStack(home, options.stack);
  const { passed } = readProgress(home);
  const next = lessons.findIndex(({ id }) => !passed.includes(id));
  if (next < 0) {
    console.log('You have passed every step. `npm run walkthrough -- --reset` starts over.');
    return 0;
  }
  if (passed.length > 0) {
    console.log(`Going on with step ${next + 1} of ${lessons.length}.`);
    const up = () => Promise.resolve(runBanyan(home, 'up', '--detach', '--customers', '12'));
    if (!readRunState(home) && (await rememberStart(home, up)) !== 0) return 3;
  }
  return walkAll(lessons, home, (options.auto ?? !process.stdin.isTTY) ? printed : interactive);
}

const program = new Command('npm run walkthrough --')
  .description('Moves the reviews of a running shop into a service, and back, a step at a time.')
  .option('--auto', 'run every step, print the questions with their answers, and stop the shop at the end')
  .option('--reset', 'start over: stops the shop that the walkthrough started, and puts its state aside')
  .addOption(
    new Option('--stack <stack>', 'embedded, or kafka: Kafka and Debezium, which want Java 17')
      .choices(stackNames)
      .env('BANYAN_STACK'),
  )
  .exitOverride()
  .showHelpAfterError('(npm run walkthrough -- --help)')
  .addHelpText('after', '\nExample:\n  $ npm run walkthrough -- --auto')
  .action(async (options: { auto?: boolean; reset?: boolean; stack?: StackName }) => {
    process.exitCode = await main(options);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommandError) {
    printFailure(error, false);
    process.exitCode = error.exitCode;
  } else if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    throw error;
  }
}
