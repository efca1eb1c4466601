import { statfsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StatusReport } from '@banyan/contracts';
import { ControlClient, controlUrlElsewhere } from '../control-client.ts';
import { readCustomerTotals, type CustomerTotals } from '../customers.ts';
import type { Home } from '../home.ts';
import { CommandError } from '../output/command-error.ts';
import { statusText } from '../output/status-text.ts';
import { bytes, isTerminal, percent, printJson, table } from '../output/terminal.ts';
import { readRunState, type RunState } from '../supervise/run-state.ts';
import type { Context } from './context.ts';

const WATCH_INTERVAL_MS = 1_000;
/** Less free than both of these is a full disk. */
const FULL_BELOW_BYTES = 16 * 1024 * 1024;
const FULL_BELOW_SHARE = 0.02;

/** All that a status shows; `report` is null while the control plane does not answer. */
export interface Everything {
  readonly run: RunState;
  readonly report: StatusReport | null;
  readonly customers: CustomerTotals | null;
}

/** What is printed: `run` is null where no supervisor of ours runs the processes. */
type Shown = Omit<Everything, 'run'> & { readonly run: RunState | null };

/** Looks once. @throws CommandError `not-running` when nothing runs in this home. */
export async function look(home: Home, options: { readonly exact?: boolean } = {}): Promise<Everything> {
  const run = readRunState(home);
  const report = await askForReport(ControlClient.open(home, options)); // says so when nothing runs
  if (!run) {
    throw new CommandError({
      code: 'not-running',
      message: 'Banyan has just stopped.',
      nextSteps: ['banyan up'],
      exitCode: 3,
    });
  }
  return { run, report, customers: readCustomerTotals(home) };
}

/** Null from a control plane that does not answer: a finding to show, not a reason to show nothing. */
async function askForReport(client: ControlClient): Promise<StatusReport | null> {
  try {
    return await client.status(AbortSignal.timeout(5_000));
  } catch (error) {
    if (!(error instanceof CommandError) || error.code !== 'control-unreachable') throw error;
    return null;
  }
}

/** As `look`, of a control plane that others run: its processes and customers are not ours to see. */
async function lookElsewhere(home: Home, options: { readonly exact: boolean }): Promise<Shown> {
  return { run: null, report: await askForReport(ControlClient.open(home, options)), customers: null };
}

/** A state folder without room: nothing of what is asked about it can be written down. */
function diskProblems({ dir }: Home): string[] {
  try {
    const { bavail, bsize, blocks } = statfsSync(dir);
    const free = bavail * bsize;
    if (free >= Math.min(FULL_BELOW_BYTES, blocks * bsize * FULL_BELOW_SHARE)) return [];
    return [`the disk of ${dir} is full: ${bytes(free)} are free`];
  } catch {
    return []; // no folder here, of a control plane that others run
  }
}

function print(everything: Shown, problems: readonly string[], json: boolean): void {
  const { run, report, customers } = everything;
  if (json) {
    const next = report?.next_steps ?? ['banyan doctor'];
    printJson({
      schema_version: 1,
      problems: [...problems, ...(report?.problems ?? [])],
      run,
      control: report,
      customers,
      next_steps: next,
    });
  } else {
    console.log(statusText({ ...everything, problems }));
  }
}

/** Everything that is known now; with `watch` again every second until interrupted. */
export async function status(options: { readonly watch?: boolean }, context: Context): Promise<void> {
  for (;;) {
    const { home, json: exact } = context;
    const everything =
      controlUrlElsewhere() === null ? await look(home, { exact }) : await lookElsewhere(home, { exact });
    if (options.watch && !context.json && isTerminal()) process.stdout.write('\u001b[2J\u001b[H');
    print(everything, diskProblems(home), context.json);
    if (!options.watch) {
      if (everything.report === null) process.exitCode = 3;
      return;
    }
    await sleep(WATCH_INTERVAL_MS);
  }
}

/** One line a slice. */
export async function slices(context: Context): Promise<void> {
  const report = await ControlClient.open(context.home, { exact: context.json }).status();
  if (context.json) {
    printJson({ schema_version: 1, slices: report.slices, next_steps: report.next_steps });
    return;
  }
  console.log(
    table(
      ['slice', 'phase', 'share', 'writes', 'copy', 'title'],
      report.slices.map((slice) => [
        slice.name,
        slice.paused ? `${slice.phase} (paused)` : slice.phase,
        percent(slice.share),
        slice.owner,
        slice.phase === 'monolith' ? 'none' : slice.inSync ? 'in sync' : 'not in sync',
        slice.title,
      ]),
    ),
  );
}
