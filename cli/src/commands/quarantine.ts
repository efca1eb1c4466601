import type { HeldQueueReport, RetryReport } from '@banyan/contracts';
import { ControlClient } from '../control-client.ts';
import { CommandError } from '../output/command-error.ts';
import { asTyped, count, duration, printJson, style } from '../output/terminal.ts';
import { whoami, type Context } from './context.ts';

/** How the command line names a key in quarantine. */
export interface KeyOptions {
  /** Source table, `schema.table`. */
  readonly table?: string;
  /** Key values in key order. */
  readonly key?: readonly string[];
  readonly reason?: string;
  readonly dryRun?: boolean;
}

/** `public.reviews [17]`; a record without a key is named by its offset. */
function nameOf(table: string, key: readonly string[] | null, offset?: number): string {
  return key ? `${table} [${key.join(', ')}]` : `${table} (no key, offset ${offset ?? 'unknown'})`;
}

const recordsText = (n: number): string => `${count(n)} ${n === 1 ? 'record' : 'records'}`;

/** Shows what a service has in quarantine and why, without anything personal. */
export async function quarantineList(
  slice: string,
  options: { readonly limit?: number },
  context: Context,
): Promise<void> {
  const answer = await ControlClient.open(context.home, { exact: context.json }).quarantine(
    slice,
    options.limit ?? 20,
  );
  if (context.json) {
    printJson(answer);
    return;
  }
  const { records, queues } = answer;
  if (records === 0) console.log(`${style('bold', slice)}: nothing is in quarantine.`);
  else console.log(`${style('bold', slice)}: ${recordsText(records)} in quarantine`);
  for (const queue of queues) for (const line of linesOf(queue)) console.log(line);
  const shown = queues.reduce((sum, { waiting }) => sum + 1 + waiting, 0);
  if (shown < records) console.log(`... and ${count(records - shown)} more: --limit shows more keys`);
  printNext(answer.next_steps);
}

function linesOf(queue: HeldQueueReport): string[] {
  const { table, key, offset, reason, heldSinceMs, waiting, rereadSinceMs } = queue;
  const ago = (ms: number): string => duration(Math.max(0, Date.now() - ms));
  const behind = waiting === 0 ? '' : `, ${count(waiting)} waiting behind it`;
  return [
    style('bold', nameOf(table, key, offset)),
    `  why     ${reason}`,
    `  since   ${ago(heldSinceMs)} ago${behind}`,
    ...(rereadSinceMs === null ? [] : [`  skip    requested ${ago(rereadSinceMs)} ago; waiting for the row`]),
    ...(key === null ? ['  its key cannot be read, so only a new table snapshot replaces it'] : []),
    ...payloadLines(queue),
  ];
}

function payloadLines({ payload }: HeldQueueReport): string[] {
  switch (payload.kind) {
    case 'none':
      return [];
    case 'unreadable':
      return [`  record  not an envelope: ${count(payload.chars)} characters, SHA-256 ${payload.sha256}`];
    case 'row': {
      const columns = Object.entries(payload.columns).map(([name, text]) => `${name}=${text ?? 'null'}`);
      const { withheld } = payload;
      const more = withheld.length === 0 ? '' : ` (not shown: ${withheld.join(', ')})`;
      return [`  record  ${payload.op}: ${columns.join('  ')}${more}`];
    }
  }
}

/** Applies quarantined records again in the service, after its code or schema was fixed. */
export async function quarantineRetry(
  slice: string,
  options: KeyOptions & { readonly all?: boolean },
  context: Context,
): Promise<void> {
  if ((options.key === undefined) === (options.all !== true)) {
    throw new CommandError({
      code: 'invalid-arguments',
      message: 'Say which records to retry: those of one key, or all of them.',
      evidence: [options.all ? 'got both --key and --all' : 'got neither --key nor --all'],
      nextSteps: [`banyan quarantine retry ${slice} --all --dry-run`, `banyan quarantine list ${slice}`],
      exitCode: 2,
    });
  }
  const answer = await ControlClient.open(context.home, { exact: context.json }).retryQuarantined(slice, {
    by: whoami(),
    dryRun: options.dryRun ?? false,
    ...(options.key === undefined ? {} : { key: [...options.key] }),
    ...(options.table === undefined ? {} : { table: options.table }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  });
  if (context.json) printJson(answer);
  else printRetry(slice, answer.dryRun, answer);
  if (!context.json) printNext(answer.next_steps);
  if (answer.refused > 0) process.exitCode = 1;
}

function printRetry(slice: string, dryRun: boolean, { applied, refused, queues }: RetryReport): void {
  const keys = (n: number): string => `${count(n)} ${n === 1 ? 'key' : 'keys'}`;
  const [did, not] = dryRun ? ['would be applied', 'would be refused again'] : ['applied', 'refused again'];
  console.log(
    `${style('bold', slice)}: ${keys(applied)} ${did}, ${keys(refused)} ${not}${dryRun ? ' (dry run: nothing changed)' : ''}`,
  );
  for (const { table, key, records, refusedBecause } of queues) {
    const outcome = refusedBecause === null ? did : `${not}: ${refusedBecause}`;
    console.log(`  ${nameOf(table, key)}  ${recordsText(records)}  ${outcome}`);
  }
}

const outcomes = {
  'dry-run': 'would read the row again and release them (dry run: nothing changed)',
  'let-go': 'read the row again and released them',
  held: 'still in quarantine: the row changed every time it was read, or the service refuses the row too',
  'under-way': 'read the row again; they are released once the service gets to it',
} as const;

/** Releases a key's records from quarantine by reading its row again at the source. */
export async function quarantineSkip(
  slice: string,
  options: KeyOptions & { readonly key: readonly string[]; readonly reason: string },
  context: Context,
): Promise<void> {
  const { key, reason, table } = options;
  const answer = await ControlClient.open(context.home, { exact: context.json }).skipQuarantined(slice, {
    by: whoami(),
    dryRun: options.dryRun ?? false,
    key: [...key],
    reason,
    ...(table === undefined ? {} : { table }),
  });
  if (answer.outcome === 'held') process.exitCode = 1;
  if (context.json) {
    printJson(answer);
    return;
  }
  const what = `${nameOf(answer.table, answer.key)}: ${recordsText(answer.records)} in quarantine`;
  console.log(`${what}; ${outcomes[answer.outcome ?? 'dry-run']}`);
  printNext(answer.next_steps);
}

function printNext(steps: readonly string[]): void {
  if (steps.length > 0) console.log(asTyped(`next: ${steps.join('  ·  ')}`));
}
