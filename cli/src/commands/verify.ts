import { setTimeout as sleep } from 'node:timers/promises';
import type { VerificationReport, VerificationResponse, VerbResponse } from '@banyan/contracts';
import { ControlClient } from '../control-client.ts';
import { CommandError } from '../output/command-error.ts';
import { asTyped, isTerminal, printJson, style } from '../output/terminal.ts';
import { verificationProgressText, verificationText } from '../output/verification-text.ts';
import { whoami, type Context } from './context.ts';

export interface VerifyCommandOptions {
  /** Repairs what differs. */
  readonly repair?: boolean;
  readonly reason?: string;
  readonly dryRun?: boolean;
  /** False: returns once it has begun. */
  readonly wait?: boolean;
  readonly timeoutS?: number;
}

const DEFAULT_WAIT_S = 3_600;
const POLL_MS = 300;
/** Between two lines where nobody can overwrite one. */
const LINE_INTERVAL_MS = 5_000;
/** How long the control plane may be away, or the verification interrupted, e.g. while something starts again. */
const AWAY_MS = 60_000;

/**
 * Verifies a slice's copy and prints what was found. The verification runs in the control plane and goes on there,
 * whatever becomes of this command.
 *
 * Exit codes: 0 both sides are equal, 1 they differ, are not settled, or it was refused, 3 it could not be made.
 */
export async function verify(slice: string, options: VerifyCommandOptions, context: Context): Promise<void> {
  const client = ControlClient.open(context.home, { exact: context.json });
  const begun = await client.verb(slice, 'verify', {
    by: whoami(),
    dryRun: options.dryRun ?? false,
    repair: options.repair ?? false,
    wait: false,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  });
  if (options.dryRun || options.wait === false) {
    printBegun(begun, context.json);
    return;
  }
  const leave = (): void => {
    console.error(`\nIt goes on without you: ${asTyped('banyan status --watch')}`);
    process.exit(130);
  };
  process.once('SIGINT', leave);
  try {
    const response = await waitUntilDone(client, slice, { ...options, quiet: context.json });
    print(slice, response, context.json);
  } finally {
    process.off('SIGINT', leave);
  }
}

function printBegun(response: VerbResponse, json: boolean): void {
  if (json) {
    printJson(response);
    return;
  }
  const { slice, dryRun, plan } = response;
  console.log(
    `${style('bold', slice)}: ${dryRun ? 'dry run, nothing was changed' : 'the verification has begun'}`,
  );
  for (const [index, step] of plan.entries()) console.log(`  ${index + 1}. ${step}`);
  const next = dryRun ? response.next_steps : ['banyan status --watch', `banyan verify ${slice}`];
  console.log(asTyped(`next: ${next.join('  ·  ')}`));
}

type Done = VerificationResponse & { readonly report: VerificationReport };

function print(slice: string, response: Done, json: boolean): void {
  const { report, next_steps: nextSteps } = response;
  if (report.state === 'failed') {
    throw new CommandError({
      code: 'verification-failed',
      message: `The copy of ${slice} could not be compared with the monolith.`,
      evidence: [report.error ?? 'unknown', ...report.tables.flatMap(({ notes }) => notes)],
      nextSteps,
      exitCode: 3,
    });
  }
  if (json) printJson(response);
  else {
    console.log(verificationText(slice, report));
    console.log(asTyped(`next: ${nextSteps.join('  ·  ')}`));
  }
  process.exitCode = report.differences === 0 ? 0 : 1;
}

async function waitUntilDone(
  client: ControlClient,
  slice: string,
  options: VerifyCommandOptions & { readonly quiet: boolean },
): Promise<Done> {
  const { timeoutS = DEFAULT_WAIT_S, quiet } = options;
  const deadlineMs = performance.now() + timeoutS * 1_000;
  const show = quiet ? null : createProgressLine();
  let text = 'it has not begun';
  let stuckSinceMs: number | null = null;
  for (;;) {
    const response = await ask(client, slice);
    if (response?.report && isDone(response.report)) {
      show?.(null);
      return { ...response, report: response.report };
    }
    const isStuck = response?.report?.state !== 'running';
    stuckSinceMs = isStuck ? (stuckSinceMs ?? performance.now()) : null;
    if (response?.report) text = verificationProgressText(response.report);
    show?.(response ? text : 'the control plane does not answer; it goes on when it is back');
    if (stuckSinceMs !== null && performance.now() - stuckSinceMs > AWAY_MS) {
      throw stuck(slice, (await client.verification(slice)).report);
    }
    if (performance.now() > deadlineMs) throw notYet(slice, timeoutS, text);
    await sleep(POLL_MS);
  }
}

/** @returns null while the control plane does not answer. */
async function ask(client: ControlClient, slice: string): Promise<VerificationResponse | null> {
  try {
    return await client.verification(slice);
  } catch (error) {
    if (error instanceof CommandError && error.code === 'control-unreachable') return null;
    throw error;
  }
}

function isDone({ state }: VerificationReport): boolean {
  return state === 'finished' || state === 'failed';
}

function stuck(slice: string, report: VerificationReport | null): CommandError {
  return new CommandError({
    code: 'verification-interrupted',
    message: `The verification of ${slice} does not go on. It is tried again every few seconds.`,
    evidence: [report?.error ?? 'unknown'],
    nextSteps: ['banyan status', 'banyan doctor', `banyan verify ${slice}`],
    exitCode: 3,
  });
}

function notYet(slice: string, timeoutS: number, text: string): CommandError {
  return new CommandError({
    code: 'not-yet',
    message: `The verification of ${slice} is not done after ${timeoutS} s. It goes on; nothing was undone.`,
    evidence: [text],
    nextSteps: ['banyan status --watch', `banyan verify ${slice}`],
    exitCode: 1,
  });
}

/** Shows a line in place of the one before it, or now and then a new one; null ends it. */
function createProgressLine(): (text: string | null) => void {
  let nextLineMs = 0;
  return (text) => {
    if (isTerminal()) {
      process.stdout.write(`\r\u001b[K${text ?? ''}`);
    } else if (text !== null && performance.now() >= nextLineMs) {
      console.log(text);
      nextLineMs = performance.now() + LINE_INTERVAL_MS;
    }
  };
}
