import type { RetryReport, SyncErrorsResponse } from '@banyan/contracts';
import { namelessRemedy } from '../gates/domain/gates.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import { RefusedError } from '../slices/refused-error.ts';

/** There is nothing to retry or to skip. */
export function nothingHeld(slice: ManagedSlice, reason: string): RefusedError {
  return new RefusedError(`There is nothing to do for ${slice.name}; nothing was changed.`, {
    code: 'nothing-to-do',
    reasons: [reason],
    nextSteps: [`banyan sync errors ${slice.name}`],
  });
}

/** A row that was to let records go cannot be read. */
export function notPossible(slice: ManagedSlice, reason: string): RefusedError {
  return new RefusedError(`The row could not be read again; its records are held as before.`, {
    code: 'not-possible',
    reasons: [reason],
    nextSteps: [
      `banyan sync retry ${slice.name} --all --dry-run`,
      `banyan resync ${slice.name} --reason "a record that is held for good"`,
    ],
  });
}

/** Commands after a look at what is held, most useful first. */
export function nextStepsAfterList(slice: ManagedSlice, queues: SyncErrorsResponse['queues']): string[] {
  if (queues.length === 0) return ['banyan status'];
  const named = queues.find(({ key }) => key !== null);
  const nameless = queues.some(({ key }) => key === null);
  return [
    ...(named?.key
      ? [`banyan sync retry ${slice.name} --all --dry-run`, skipCommand(slice, named.table, named.key)]
      : []),
    ...(nameless ? [namelessRemedy(slice.name)] : []),
  ];
}

/** Commands after a retry, or before one that was only tried. */
export function nextStepsAfterRetry(
  slice: ManagedSlice,
  { dryRun, report, queue }: { dryRun: boolean; report: RetryReport; queue: HeldName | null },
): string[] {
  const isRefused = report.refused > 0;
  const isNameless = report.queues.some(({ key, refusedBecause }) => key === null && refusedBecause !== null);
  const which = queue ? namedBy(queue) : '--all';
  if (dryRun && !isRefused) return [`banyan sync retry ${slice.name} ${which}`];
  const skip = isRefused && queue ? [`banyan sync skip ${slice.name} ${which} --reason "..."`] : [];
  const resync = isNameless ? [namelessRemedy(slice.name)] : [];
  return [isRefused ? `banyan sync errors ${slice.name}` : 'banyan status', ...skip, ...resync];
}

/** `banyan sync skip` of a key. */
export function skipCommand(slice: ManagedSlice, table: string, key: readonly string[]): string {
  return `banyan sync skip ${slice.name} ${namedBy({ table, key })} --reason "..."`;
}

/** A key that is held, as the service names it. */
export interface HeldName {
  readonly table: string;
  readonly key: readonly string[];
}

/** A key as the options that name it, quoted for a shell. */
function namedBy({ table, key }: HeldName): string {
  const words = key.map((text) => (/^[\w.:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`));
  return `--table ${table} --key ${words.join(' ')}`;
}
