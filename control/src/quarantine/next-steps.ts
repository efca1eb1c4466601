import type { RetryReport, QuarantineListResponse } from '@banyan/contracts';
import { namelessRemedy } from '../gates/domain/gates.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import { RefusedError } from '../slices/refused-error.ts';

/** There is nothing to retry or to skip. */
export function nothingQuarantined(slice: ManagedSlice, reason: string): RefusedError {
  return new RefusedError(`There is nothing to do for ${slice.name}; nothing was changed.`, {
    code: 'nothing-to-do',
    reasons: [reason],
    nextSteps: [`banyan quarantine list ${slice.name}`],
  });
}

/** The row that is to release records from quarantine cannot be read. */
export function notPossible(slice: ManagedSlice, reason: string): RefusedError {
  return new RefusedError(`The row could not be read again; its records stay in quarantine.`, {
    code: 'not-possible',
    reasons: [reason],
    nextSteps: [
      `banyan quarantine retry ${slice.name} --all --dry-run`,
      `banyan resync ${slice.name} --reason "a record that stays in quarantine"`,
    ],
  });
}

/** Commands after a look at the quarantine, most useful first. */
export function nextStepsAfterList(slice: ManagedSlice, queues: QuarantineListResponse['queues']): string[] {
  if (queues.length === 0) return ['banyan status'];
  const named = queues.find(({ key }) => key !== null);
  const nameless = queues.some(({ key }) => key === null);
  return [
    ...(named?.key
      ? [`banyan quarantine retry ${slice.name} --all --dry-run`, skipCommand(slice, named.table, named.key)]
      : []),
    ...(nameless ? [namelessRemedy(slice.name)] : []),
  ];
}

/** Commands after a retry, or before one that was only tried. */
export function nextStepsAfterRetry(
  slice: ManagedSlice,
  { dryRun, report, queue }: { dryRun: boolean; report: RetryReport; queue: QuarantinedKey | null },
): string[] {
  const isRefused = report.refused > 0;
  const isNameless = report.queues.some(({ key, refusedBecause }) => key === null && refusedBecause !== null);
  const which = queue ? namedBy(queue) : '--all';
  if (dryRun && !isRefused) return [`banyan quarantine retry ${slice.name} ${which}`];
  const skip = isRefused && queue ? [`banyan quarantine skip ${slice.name} ${which} --reason "..."`] : [];
  const resync = isNameless ? [namelessRemedy(slice.name)] : [];
  return [isRefused ? `banyan quarantine list ${slice.name}` : 'banyan status', ...skip, ...resync];
}

/** `banyan quarantine skip` of a key. */
export function skipCommand(slice: ManagedSlice, table: string, key: readonly string[]): string {
  return `banyan quarantine skip ${slice.name} ${namedBy({ table, key })} --reason "..."`;
}

/** A key in quarantine, as the service names it. */
export interface QuarantinedKey {
  readonly table: string;
  readonly key: readonly string[];
}

/** A key as the options that name it, quoted for a shell. */
function namedBy({ table, key }: QuarantinedKey): string {
  const words = key.map((text) => (/^[\w.:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`));
  return `--table ${table} --key ${words.join(' ')}`;
}
