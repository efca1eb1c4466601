/**
 * `npm run walkthrough`: goes through docs/walkthrough, whose fenced commands are what runs.
 * Exit codes: 0 passed, 1 not yet, 2 wrong command line, 3 the environment is broken.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { confirm, isCancel, text } from '@clack/prompts';
import { openHome, projectRoot, type Home } from '../home.ts';
import { CommandError } from '../output/command-error.ts';
import { printFailure, style } from '../output/terminal.ts';
import { readRunState } from '../supervise/run-state.ts';
import { chooseStack, stackNames, type StackName } from '../supervise/stack-choice.ts';
import { parseLesson, type Lesson } from './lesson.ts';
import { readProgress, saveProgress } from './progress.ts';
import { walk, type Guide, type Outcome } from './walk.ts';

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

const auto: Guide = { predict: () => Promise.resolve(true), mayRun: () => Promise.resolve(true) };

const interactive: Guide = {
  async predict(question) {
    const answer = await text({
      message: `Predict: ${question}`,
      placeholder: 'your guess, or just Enter',
      defaultValue: '',
    });
    return !isCancel(answer);
  },
  async mayRun() {
    const answer = await confirm({ message: 'Run it?', active: 'run', inactive: 'leave the walkthrough' });
    return !isCancel(answer) && answer;
  },
};

function finish(outcome: Outcome, home: Home, isAuto: boolean): number {
  if (isAuto) runBanyan(home, 'down');
  switch (outcome) {
    case 'passed':
      console.log(`\n${style('green', 'All steps passed.')}`);
      return 0;
    case 'quit':
      console.log(
        '\nYour place is kept: `npm run walkthrough` goes on from here, `npx banyan down` stops the shop.',
      );
      return 0;
    case 'not-yet':
      console.log(
        '\nNot yet. `npm run walkthrough` tries this step again, `npm run walkthrough -- --reset` begins anew.',
      );
      return 1;
    case 'broken':
      console.log(
        '\nThe environment is not as needed; this is not about you. `npx banyan doctor` says what to mend.',
      );
      return 3;
  }
}

async function main(options: {
  readonly auto?: boolean;
  readonly reset?: boolean;
  readonly stack?: StackName;
}): Promise<number> {
  const home = openHome();
  const lessons = readLessons();
  const startedAtMs = Date.now();
  if (options.reset) {
    const code = runBanyan(home, 'down', '--erase');
    if (code !== 0) return code;
  }
  // The lessons' own `banyan up` starts it. Refused here, where a place that was kept is of another stack.
  process.env['BANYAN_STACK'] = chooseStack(home, options.stack);
  const passed = [...readProgress(home)];
  const left = lessons.filter(({ id }) => !passed.includes(id));
  if (left.length === 0) {
    console.log('You have passed every step. `npm run walkthrough -- --reset` begins anew.');
    return 0;
  }
  if (passed.length > 0) {
    console.log(`Going on after step ${passed.length} of ${lessons.length}.`);
    if (!readRunState(home) && runBanyan(home, 'up', '--detach', '--customers', '12') !== 0) return 3;
  }
  const guide = (options.auto ?? !process.stdin.isTTY) ? auto : interactive;
  let outcome: Outcome = 'passed';
  for (const lesson of left) {
    outcome = await walk(lesson, home, guide);
    if (outcome !== 'passed') break;
    passed.push(lesson.id);
    saveProgress(home, passed);
  }
  const code = finish(outcome, home, guide === auto);
  if (guide === auto)
    console.log(
      `${passed.length} of ${lessons.length} steps in ${Math.round((Date.now() - startedAtMs) / 1_000)} s`,
    );
  return code;
}

const program = new Command('npm run walkthrough --')
  .description('Moves the reviews of a running shop into a service, and back, a step at a time.')
  .option('--auto', 'run every step without questions, and stop the shop at the end')
  .option('--reset', 'begin anew: stops the shop and puts its state aside')
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
