import {
  CONTROL_SCHEMA_VERSION,
  type GateResult,
  type RetryReport,
  type SyncErrorsResponse,
  type SyncRetryResponse,
  type SyncSkipResponse,
} from '@banyan/contracts';
import { keyAsSourceText, NotCaughtUpError, RowsUnreadableError } from '@banyan/cdc';
import { namelessRemedy, quarantine as quarantineGate } from '../gates/gates.ts';
import type { CaughtUp, RowReread, Source } from '../ports/feed.ts';
import { EpochConflictError } from '../ports/slice-store.ts';
import type { EvidenceCollector } from './evidence-collector.ts';
import { withDeadline } from './loop.ts';
import type { ManagedSlice } from './managed-slice.ts';
import type { SliceLedger } from './slice-ledger.ts';
import { RefusedError } from './verb-order.ts';

const SERVICE_DEADLINE_MS = 10_000;
const SOURCE_DEADLINE_MS = 10_000;
/** For reading a row again, and for the service to come to it, each. */
const REREAD_DEADLINE_MS = 20_000;
const CAUGHT_UP_DEADLINE_MS = 10_000;
/** A row that is changed while it is read lets nothing go: it is read again, so many times in all. */
const REREAD_ATTEMPTS = 3;
const COMMIT_ATTEMPTS = 10;

export interface HeldRecordsDeps {
  readonly ledger: SliceLedger;
  readonly evidence: EvidenceCollector;
  readonly source: Pick<Source, 'describeTables'>;
  readonly rowReread: RowReread;
  readonly caughtUp: CaughtUp;
}

interface Order {
  readonly by: string;
  readonly dryRun: boolean;
  readonly reason?: string | undefined;
  readonly table?: string | undefined;
}

/**
 * What services hold back, for people: shown without anything personal, replayed after a mend, or let go by reading
 * the row again. Both ways out are in the journal before anything is done.
 */
export class HeldRecords {
  readonly #deps: HeldRecordsDeps;

  constructor(deps: HeldRecordsDeps) {
    this.#deps = deps;
  }

  /** @param limit Most keys to show, 1 to 1,000. */
  async list(slice: ManagedSlice, limit: number, signal: AbortSignal): Promise<SyncErrorsResponse> {
    const held = await slice.copy.quarantine(limit, withDeadline(signal, SERVICE_DEADLINE_MS));
    return {
      ...{ schema_version: CONTROL_SCHEMA_VERSION, slice: slice.name, ...held },
      next_steps: nextStepsOf(slice, held.queues),
    };
  }

  /** Replays queues in the service. @throws RefusedError when nothing is held there; ServiceCopyError. */
  async retry(
    slice: ManagedSlice,
    order: Order & { readonly key?: readonly string[] | undefined },
    signal: AbortSignal,
  ): Promise<SyncRetryResponse> {
    const { dryRun, key } = order;
    // 1. Is there anything to do?
    const queue = key ? await this.#find(slice, { ...order, key }, signal) : null;
    const { records } = await slice.copy.quarantine(1, withDeadline(signal, SERVICE_DEADLINE_MS));
    if (records === 0) throw nothingHeld(slice, 'nothing is held back');
    // 2. Who and why, before anything changes.
    const what = queue ? `${queue.table} [${queue.key.join(', ')}]` : 'everything that is held';
    const journalId = dryRun ? null : await this.#journal(slice, order, `sync retry of ${what}`);
    // 3. The service tries; what it refuses stays as it was.
    const request = { queue: queue && { table: queue.table, key: [...queue.key] }, dryRun };
    const tried = await slice.copy.retryHeld(request, signal);
    // 4. Where events are refused still, since they lack a column for instance, the row itself makes up for them.
    const report = dryRun ? tried : await this.#readRefused(slice, tried, signal);
    return {
      ...{ schema_version: CONTROL_SCHEMA_VERSION, slice: slice.name, dryRun, ...report, journalId },
      next_steps: nextStepsAfterRetry(slice, { dryRun, report, queue }),
    };
  }

  /**
   * Reads a row again at the source; when it comes to the service, it lets the held records go.
   *
   * @throws RefusedError when the key is not held, or the row cannot be read; ServiceCopyError, and what source and bus
   * throw. Then, and when control is killed, the key is held as before, and a second skip goes on.
   */
  async skip(
    slice: ManagedSlice,
    order: Order & { readonly key: readonly string[]; readonly reason: string },
    signal: AbortSignal,
  ): Promise<SyncSkipResponse> {
    const { dryRun } = order;
    // 1. Is it held, and where?
    const { table, key, records } = await this.#find(slice, order, signal);
    const about = {
      schema_version: CONTROL_SCHEMA_VERSION,
      slice: slice.name,
      dryRun,
      table,
      records,
    } as const;
    const answer = { ...about, key: [...key] };
    if (dryRun) {
      return { ...answer, outcome: null, journalId: null, next_steps: [skipCommand(slice, table, key)] };
    }
    // 2. Who and why, before anything changes.
    const journalId = await this.#journal(slice, order, `sync skip of ${table} [${key.join(', ')}]`);
    // 3. As often as the row is changed meanwhile.
    const outcome = await this.#readAgain(slice, { table, key }, signal);
    const next_steps = [`banyan sync errors ${slice.name}`, 'banyan status'];
    return { ...answer, outcome, journalId, next_steps };
  }

  /** Reads the rows of refused queues again. @returns the report with those that were let go by that as applied. */
  async #readRefused(slice: ManagedSlice, report: RetryReport, signal: AbortSignal): Promise<RetryReport> {
    const refused = report.queues.flatMap((queue) =>
      queue.refusedBecause !== null && queue.key !== null ? [{ ...queue, key: queue.key }] : [],
    );
    if (refused.length === 0) return report;
    for (const [table, queues] of Map.groupBy(refused, (queue) => queue.table)) {
      const keys = queues.map(({ key }) => key);
      if (!(await this.#tryToRead(table, keys, signal))) return report;
    }
    await this.#hasPassed(slice, signal);
    const letGo = new Set<string>();
    for (const { table, key } of refused) {
      const { records } = await slice.copy.heldKey({ table, key }, withDeadline(signal, SERVICE_DEADLINE_MS));
      if (records === 0) letGo.add(JSON.stringify([table, key]));
    }
    return {
      applied: report.applied + letGo.size,
      refused: report.refused - letGo.size,
      queues: report.queues.map((queue) =>
        letGo.has(JSON.stringify([queue.table, queue.key])) ? { ...queue, refusedBecause: null } : queue,
      ),
    };
  }

  /** False when rows of the table cannot be read: what is held of them stays as it is. */
  async #tryToRead(
    table: string,
    keys: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { source, rowReread } = this.#deps;
    const [described] = await source.describeTables([table], withDeadline(signal, SOURCE_DEADLINE_MS));
    const sourceKeys = keys.map((key) => (described ? keyAsSourceText(described, key) : key));
    try {
      await rowReread.readAgain(table, sourceKeys, withDeadline(signal, REREAD_DEADLINE_MS));
      return true;
    } catch (error) {
      if (error instanceof RowsUnreadableError || error instanceof NotCaughtUpError) return false;
      throw error;
    }
  }

  async #readAgain(
    slice: ManagedSlice,
    { table, key }: HeldName,
    signal: AbortSignal,
  ): Promise<NonNullable<SyncSkipResponse['outcome']>> {
    const { source, rowReread } = this.#deps;
    const [described] = await source.describeTables([table], withDeadline(signal, SOURCE_DEADLINE_MS));
    const sourceKey = described ? keyAsSourceText(described, key) : key;
    for (let attempt = 1; attempt <= REREAD_ATTEMPTS; attempt += 1) {
      try {
        await rowReread.readAgain(table, [sourceKey], withDeadline(signal, REREAD_DEADLINE_MS));
      } catch (error) {
        if (error instanceof RowsUnreadableError || error instanceof NotCaughtUpError) {
          throw notPossible(slice, error.message);
        }
        throw error;
      }
      if (!(await this.#hasPassed(slice, signal))) return 'under-way';
      const question = { table, key: [...key] };
      const { records } = await slice.copy.heldKey(question, withDeadline(signal, SERVICE_DEADLINE_MS));
      if (records === 0) return 'let-go';
    }
    return 'held';
  }

  /** Whether the service has come past what is on its topics by now. That it holds records still is no matter. */
  async #hasPassed({ definition, copy }: ManagedSlice, signal: AbortSignal): Promise<boolean> {
    try {
      const deadline = withDeadline(signal, CAUGHT_UP_DEADLINE_MS);
      await this.#deps.caughtUp.wait({ slice: definition, copy, signal: deadline });
      return true;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof NotCaughtUpError)) throw error;
      return error.code === 'copy-quarantined';
    }
  }

  /** The one table that holds this key. @throws RefusedError */
  async #find(
    slice: ManagedSlice,
    { table, key }: { readonly table?: string | undefined; readonly key: readonly string[] },
    signal: AbortSignal,
  ): Promise<{ table: string; key: readonly string[]; records: number }> {
    if (table !== undefined && !slice.tables.includes(table)) {
      throw nothingHeld(slice, `${table} is no table of the slice; its tables: ${slice.tables.join(', ')}`);
    }
    const found = [];
    for (const each of table === undefined ? slice.tables : [table]) {
      const question = { table: each, key: [...key] };
      const { records } = await slice.copy.heldKey(question, withDeadline(signal, SERVICE_DEADLINE_MS));
      if (records > 0) found.push({ table: each, key, records });
    }
    const [first, ...others] = found;
    if (!first) throw nothingHeld(slice, `[${key.join(', ')}] is not held by ${table ?? 'any table'}`);
    if (others.length === 0) return first;
    throw nothingHeld(
      slice,
      `[${key.join(', ')}] is held by ${found.map((each) => each.table).join(' and ')}; say which one by --table`,
    );
  }

  /** It changes nothing of the slice, so a step made in between by others is no reason to give up. */
  async #journal(slice: ManagedSlice, { by, reason }: Order, what: string): Promise<number> {
    const { ledger, evidence } = this.#deps;
    for (let attempt = 1; ; attempt += 1) {
      const from = await ledger.read(slice.name);
      const gate: GateResult = quarantineGate(evidence.evidence(slice, from, []));
      try {
        return await ledger.commit({
          ...{ from, next: { ...from, epoch: from.epoch + 1 }, by, reason: reason ?? null },
          ...{ verb: what, evidence: [gate] },
        });
      } catch (error) {
        if (!(error instanceof EpochConflictError) || attempt === COMMIT_ATTEMPTS) throw error;
      }
    }
  }
}

function nothingHeld(slice: ManagedSlice, reason: string): RefusedError {
  return new RefusedError(`There is nothing to do for ${slice.name}; nothing was changed.`, {
    code: 'nothing-to-do',
    reasons: [reason],
    nextSteps: [`banyan sync errors ${slice.name}`],
  });
}

function notPossible(slice: ManagedSlice, reason: string): RefusedError {
  return new RefusedError(`The row could not be read again; its records are held as before.`, {
    code: 'not-possible',
    reasons: [reason],
    nextSteps: [
      `banyan sync retry ${slice.name} --all --dry-run`,
      `banyan resync ${slice.name} --reason "a record that is held for good"`,
    ],
  });
}

function nextStepsOf(slice: ManagedSlice, queues: SyncErrorsResponse['queues']): string[] {
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

function nextStepsAfterRetry(
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

function skipCommand(slice: ManagedSlice, table: string, key: readonly string[]): string {
  return `banyan sync skip ${slice.name} ${namedBy({ table, key })} --reason "..."`;
}

interface HeldName {
  readonly table: string;
  readonly key: readonly string[];
}

/** A key as the options that name it, quoted for a shell. */
function namedBy({ table, key }: HeldName): string {
  const words = key.map((text) => (/^[\w.:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`));
  return `--table ${table} --key ${words.join(' ')}`;
}
