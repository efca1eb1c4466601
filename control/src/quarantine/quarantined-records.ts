import {
  CONTROL_SCHEMA_VERSION,
  type GateResult,
  type RetryReport,
  type QuarantineListResponse,
  type QuarantineRetryResponse,
  type QuarantineSkipResponse,
} from '@banyan/contracts';
import { NotCaughtUpError } from '@banyan/cdc/verify';
import { withDeadline } from '@banyan/kit';
import { quarantine as quarantineGate } from '../gates/domain/gates.ts';
import type { CaughtUp, RowReread } from '../feed/ports.ts';
import { EpochConflictError } from '../slices/store/slice-store.ts';
import type { EvidenceCollector } from '../gates/evidence-collector.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';
import {
  nextStepsAfterList,
  nextStepsAfterRetry,
  nothingQuarantined,
  notPossible,
  skipCommand,
  type QuarantinedKey,
} from './next-steps.ts';

const SERVICE_DEADLINE_MS = 10_000;
const REREAD_DEADLINE_MS = 20_000;
const CAUGHT_UP_DEADLINE_MS = 10_000;
/** A row that is changed while it is read releases nothing: it is read again, so many times in all. */
const REREAD_ATTEMPTS = 3;
const COMMIT_ATTEMPTS = 10;

export interface QuarantinedRecordsDeps {
  readonly rowReread: RowReread;
  readonly ledger: SliceLedger;
  readonly evidence: EvidenceCollector;
  readonly caughtUp: CaughtUp;
}

interface Order {
  readonly by: string;
  readonly dryRun: boolean;
  readonly reason?: string | undefined;
  readonly table?: string | undefined;
}

/**
 * What services have in quarantine, for people: shown without anything personal, retried after a repair, or released by
 * reading the row again. Both ways out are in the journal before anything is done.
 */
export class QuarantinedRecords {
  readonly #deps: QuarantinedRecordsDeps;

  constructor(deps: QuarantinedRecordsDeps) {
    this.#deps = deps;
  }

  /** @param limit Most keys to show, 1 to 1,000. */
  async list(slice: ManagedSlice, limit: number, signal: AbortSignal): Promise<QuarantineListResponse> {
    const quarantined = await slice.copy.quarantine(limit, withDeadline(signal, SERVICE_DEADLINE_MS));
    return {
      schema_version: CONTROL_SCHEMA_VERSION,
      slice: slice.name,
      ...quarantined,
      next_steps: nextStepsAfterList(slice, quarantined.queues),
    };
  }

  /** Retries queues in the service. @throws RefusedError when nothing is in quarantine there; ServiceCopyError. */
  async retry(
    slice: ManagedSlice,
    order: Order & { readonly key?: readonly string[] | undefined },
    signal: AbortSignal,
  ): Promise<QuarantineRetryResponse> {
    const { dryRun, key } = order;
    // 1. Is there anything to do?
    const queue = key ? await this.#find(slice, { ...order, key }, signal) : null;
    const { records } = await slice.copy.quarantine(1, withDeadline(signal, SERVICE_DEADLINE_MS));
    if (records === 0) throw nothingQuarantined(slice, 'nothing is in quarantine');
    // 2. Who and why, before anything changes.
    const what = queue ? `${queue.table} [${queue.key.join(', ')}]` : 'everything in quarantine';
    const journalId = dryRun ? null : await this.#journal(slice, order, `quarantine retry of ${what}`);
    // 3. The service tries; what it refuses stays as it was.
    const request = { queue: queue && { table: queue.table, key: [...queue.key] }, dryRun };
    const tried = await slice.copy.retryHeld(request, signal);
    // 4. Where events are refused still, since they lack a column for instance, the row itself makes up for them.
    const report = dryRun ? tried : await this.#readRefused(slice, tried, signal);
    return {
      schema_version: CONTROL_SCHEMA_VERSION,
      slice: slice.name,
      dryRun,
      ...report,
      journalId,
      next_steps: nextStepsAfterRetry(slice, { dryRun, report, queue }),
    };
  }

  /**
   * Reads a row again at the source; when it comes to the service, it releases the key's records from quarantine.
   *
   * @throws RefusedError when the key is not in quarantine, or the row cannot be read; ServiceCopyError, and what source
   * and bus throw. Then, and when control is killed, the key stays in quarantine, and a second skip goes on.
   */
  async skip(
    slice: ManagedSlice,
    order: Order & { readonly key: readonly string[]; readonly reason: string },
    signal: AbortSignal,
  ): Promise<QuarantineSkipResponse> {
    const { dryRun } = order;
    // 1. Is it in quarantine, and where?
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
    const journalId = await this.#journal(slice, order, `quarantine skip of ${table} [${key.join(', ')}]`);
    // 3. As often as the row is changed meanwhile.
    const outcome = await this.#readAgain(slice, { table, key }, signal);
    const next_steps = [`banyan quarantine list ${slice.name}`, 'banyan status'];
    return { ...answer, outcome, journalId, next_steps };
  }

  /** Reads the rows of refused queues again. @returns the report with those that were released by that as applied. */
  async #readRefused(slice: ManagedSlice, report: RetryReport, signal: AbortSignal): Promise<RetryReport> {
    const refused = report.queues.flatMap((queue) =>
      queue.refusedBecause !== null && queue.key !== null ? [{ ...queue, key: queue.key }] : [],
    );
    if (refused.length === 0) return report;
    for (const [table, queues] of Map.groupBy(refused, (queue) => queue.table)) {
      const keys = queues.map(({ key }) => key);
      // Records of rows that cannot be read stay in quarantine.
      if ((await this.#read(table, keys, signal)) !== null) return report;
    }
    await this.#hasPassed(slice, signal);
    const released = new Set<string>();
    for (const { table, key } of refused) {
      const { records } = await slice.copy.heldKey({ table, key }, withDeadline(signal, SERVICE_DEADLINE_MS));
      if (records === 0) released.add(JSON.stringify([table, key]));
    }
    return {
      applied: report.applied + released.size,
      refused: report.refused - released.size,
      queues: report.queues.map((queue) =>
        released.has(JSON.stringify([queue.table, queue.key])) ? { ...queue, refusedBecause: null } : queue,
      ),
    };
  }

  async #readAgain(
    slice: ManagedSlice,
    { table, key }: QuarantinedKey,
    signal: AbortSignal,
  ): Promise<NonNullable<QuarantineSkipResponse['outcome']>> {
    for (let attempt = 1; attempt <= REREAD_ATTEMPTS; attempt += 1) {
      const unreadable = await this.#read(table, [key], signal);
      if (unreadable !== null) throw notPossible(slice, unreadable);
      if (!(await this.#hasPassed(slice, signal))) return 'under-way';
      const question = { table, key: [...key] };
      const { records } = await slice.copy.heldKey(question, withDeadline(signal, SERVICE_DEADLINE_MS));
      if (records === 0) return 'let-go';
    }
    return 'held';
  }

  /** Null once the rows are on their topic; else why they cannot be read. */
  #read(table: string, keys: readonly (readonly string[])[], signal: AbortSignal): Promise<string | null> {
    return this.#deps.rowReread.readHeld(table, keys, withDeadline(signal, REREAD_DEADLINE_MS));
  }

  /** Whether the service has come past what is on its topics by now. That it has records in quarantine still is no matter. */
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

  /** The one table that has this key in quarantine. @throws RefusedError */
  async #find(
    slice: ManagedSlice,
    { table, key }: { readonly table?: string | undefined; readonly key: readonly string[] },
    signal: AbortSignal,
  ): Promise<{ table: string; key: readonly string[]; records: number }> {
    if (table !== undefined && !slice.tables.includes(table)) {
      throw nothingQuarantined(
        slice,
        `${table} is not a table of the slice; its tables: ${slice.tables.join(', ')}`,
      );
    }
    const found = [];
    for (const each of table === undefined ? slice.tables : [table]) {
      const question = { table: each, key: [...key] };
      const { records } = await slice.copy.heldKey(question, withDeadline(signal, SERVICE_DEADLINE_MS));
      if (records > 0) found.push({ table: each, key, records });
    }
    const [first, ...others] = found;
    if (!first)
      throw nothingQuarantined(
        slice,
        `no record of [${key.join(', ')}] is in quarantine${table === undefined ? '' : ` in ${table}`}`,
      );
    if (others.length === 0) return first;
    throw nothingQuarantined(
      slice,
      `[${key.join(', ')}] is in quarantine in ${found.map((each) => each.table).join(' and ')}; say which one with --table`,
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
          from,
          next: { ...from, epoch: from.epoch + 1 },
          by,
          reason: reason ?? null,
          verb: what,
          evidence: [gate],
        });
      } catch (error) {
        if (!(error instanceof EpochConflictError) || attempt === COMMIT_ATTEMPTS) throw error;
      }
    }
  }
}
