import { setTimeout as sleep } from 'node:timers/promises';
import type { SliceStatus, VerbResponse } from '@banyan/contracts';
import { ControlClient, type Verb } from '../control-client.ts';
import { CommandError } from '../output/command-error.ts';
import { gatesText } from '../output/status-text.ts';
import { progressBar } from '../output/table-progress.ts';
import { asTyped, count, isTerminal, printJson, style } from '../output/terminal.ts';
import { whoami, type Context } from './context.ts';

export interface VerbOptions {
  readonly reason?: string;
  readonly dryRun?: boolean;
  /** 0 to 1. */
  readonly share?: number;
  /** Return only when the step is complete. */
  readonly wait?: boolean;
  readonly timeoutS?: number;
}

const DEFAULT_WAIT_S = 300;
const POLL_MS = 300;

function print(response: VerbResponse): void {
  const { slice, from, to, dryRun, plan, gates, unwritten } = response;
  console.log(`${style('bold', slice)}: ${from} -> ${to}${dryRun ? ' (dry run: nothing was changed)' : ''}`);
  for (const [index, step] of plan.entries()) console.log(`  ${index + 1}. ${step}`);
  if (gates.length > 0) console.log(gatesText(gates));
  if (unwritten === null) return;
  console.log(`${style('red', 'NOT in the journal yet')}: ${unwritten}`);
  console.log('  It is in force. It is written as soon as the store can be; `status` shows when.');
}

/** Runs one of the verbs that change a slice, and prints what it did or would do. */
export async function runVerb(
  verb: Verb,
  slice: string,
  options: VerbOptions,
  context: Context,
): Promise<void> {
  const client = ControlClient.open(context.home, { exact: context.json });
  const response = await client.verb(slice, verb, {
    by: whoami(),
    dryRun: options.dryRun ?? false,
    ...(options.reason === undefined ? {} : { reason: options.reason }),
    ...(options.share === undefined ? {} : { share: options.share }),
  });
  if (!context.json) print(response);
  if (options.wait && !response.dryRun) {
    await waitUntilSettled(client, slice, { ...options, quiet: context.json });
  }
  if (context.json) printJson(response);
  else if (response.next_steps.length > 0) console.log(asTyped(`next: ${response.next_steps.join('  ·  ')}`));
}

/** True when the step that was begun is complete: the copy verified, the share in force at every proxy. */
function isSettled(slice: SliceStatus, proxyVersions: readonly number[], version: number): boolean {
  const copyIsWhole = slice.phase !== 'syncing' || (slice.inSync && slice.verification?.differences === 0);
  return slice.activity === null && copyIsWhole && proxyVersions.every((seen) => seen >= version);
}

async function waitUntilSettled(
  client: ControlClient,
  name: string,
  options: VerbOptions & { readonly quiet: boolean },
): Promise<void> {
  const timeoutS = options.timeoutS ?? DEFAULT_WAIT_S;
  const deadline = Date.now() + timeoutS * 1_000;
  let shown = '';
  for (;;) {
    const report = await client.status();
    const slice = report.slices.find((each) => each.name === name);
    if (!slice) {
      throw new CommandError({
        code: 'not-found',
        message: `No slice "${name}".`,
        nextSteps: ['banyan slices'],
        exitCode: 2,
      });
    }
    const versions = report.proxies.map(({ report: proxy }) => proxy.snapshotVersion);
    if (isSettled(slice, versions, report.snapshotVersion)) {
      const text = asTyped(progressText(slice));
      if (!options.quiet) console.log(isTerminal() ? `\r\u001b[K${text}` : text);
      return;
    }
    const text = asTyped(progressText(slice));
    if (!options.quiet && text !== shown) {
      process.stdout.write(isTerminal() ? `\r\u001b[K${text}` : `${text}\n`);
      shown = text;
    }
    if (Date.now() > deadline) {
      throw new CommandError({
        code: 'not-yet',
        message: `${name} is not there after ${timeoutS} s. It goes on; nothing was undone.`,
        evidence: [text],
        nextSteps: ['banyan status --watch', `banyan rollback ${name} --reason "..."`],
        exitCode: 1,
      });
    }
    await sleep(POLL_MS);
  }
}

function progressText(slice: SliceStatus): string {
  const tables = slice.tables.flatMap(({ tableSnapshot }) => (tableSnapshot ? [tableSnapshot] : []));
  const done = tables.reduce((sum, each) => sum + (each.rowsDone ?? 0), 0);
  if (slice.phase === 'syncing' && done > 0 && !slice.inSync) {
    const isEstimated = tables.every(({ rowsEstimated }) => rowsEstimated !== null);
    const all = tables.reduce((sum, each) => sum + (each.rowsEstimated ?? 0), 0);
    // An estimate that is exceeded says nothing of how far it is.
    const isKnown = isEstimated && all > done;
    const rows = isKnown
      ? `${progressBar(done / all, false)} ${count(done)} of about ${count(all)}`
      : count(done);
    return `table snapshot ${rows} rows · ${slice.activity ?? 'waiting'}`;
  }
  return slice.activity ?? `${slice.phase}${slice.inSync ? ', in sync' : ', waiting for the copy'}`;
}
