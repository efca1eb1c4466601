import {
  CONTROL_SCHEMA_VERSION,
  type GateResult,
  type SyncErrorsResponse,
  type SyncRetryResponse,
  type SyncSkipResponse,
} from '@banyan/contracts';
import { keyAsSourceText } from '@banyan/cdc';
import { quarantine as quarantineGate } from '../gates/gates.ts';
import type { Source } from '../ports/feed.ts';
import { EpochConflictError } from '../ports/slice-store.ts';
import type { EvidenceCollector } from './evidence-collector.ts';
import { withDeadline } from './loop.ts';
import type { ManagedSlice } from './managed-slice.ts';
import type { SliceLedger } from './slice-ledger.ts';
import { RefusedError } from './verb-order.ts';

const SERVICE_DEADLINE_MS = 10_000;
const SOURCE_DEADLINE_MS = 10_000;
const COMMIT_ATTEMPTS = 10;

export interface HeldRecordsDeps {
  readonly ledger: SliceLedger;
  readonly evidence: EvidenceCollector;
  readonly source: Pick<Source, 'describeTables' | 'requestRowReread' | 'noRowRereads'>;
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
    const report = await slice.copy.retryHeld(request, signal);
    return {
      ...{ schema_version: CONTROL_SCHEMA_VERSION, slice: slice.name, dryRun, ...report, journalId },
      next_steps: nextStepsAfterRetry(slice, { dryRun, isRefused: report.refused > 0, queue }),
    };
  }

  /**
   * Has a row read again at the source; its record lets the held ones go.
   * @throws RefusedError when the key is not held; ServiceCopyError, and what the source throws.
   */
  async skip(
    slice: ManagedSlice,
    order: Order & { readonly key: readonly string[]; readonly reason: string },
    signal: AbortSignal,
  ): Promise<SyncSkipResponse> {
    const { dryRun } = order;
    const { noRowRereads } = this.#deps.source;
    if (noRowRereads !== undefined) throw notPossible(slice, noRowRereads);
    // 1. Is it held, and where?
    const { table, key, records } = await this.#find(slice, order, signal);
    const answer = {
      schema_version: CONTROL_SCHEMA_VERSION,
      slice: slice.name,
      dryRun,
      table,
      records,
    } as const;
    if (dryRun) {
      const next_steps = [skipCommand(slice, table, key)];
      return { ...answer, key: [...key], rereadId: null, journalId: null, next_steps };
    }
    // 2. Who and why, before anything changes.
    const journalId = await this.#journal(slice, order, `sync skip of ${table} [${key.join(', ')}]`);
    // 3. The service notes that the row is on its way, before it can come.
    await slice.copy.skipHeld(
      { table, key: [...key], dryRun: false },
      withDeadline(signal, SERVICE_DEADLINE_MS),
    );
    // 4. Failed or killed here, the key is still held, and a second skip asks again.
    const deadline = withDeadline(signal, SOURCE_DEADLINE_MS);
    const [described] = await this.#deps.source.describeTables([table], deadline);
    const sourceKey = described ? keyAsSourceText(described, key) : key;
    const rereadId = await this.#deps.source.requestRowReread(table, [sourceKey], deadline);
    const next_steps = [`banyan sync errors ${slice.name}`, 'banyan status'];
    return { ...answer, key: [...key], rereadId, journalId, next_steps };
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
      const request = { table: each, key: [...key], dryRun: true };
      const { records } = await slice.copy.skipHeld(request, withDeadline(signal, SERVICE_DEADLINE_MS));
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
  return new RefusedError(`The row cannot be read again; nothing was changed.`, {
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
    ...(nameless ? [`banyan resync ${slice.name} --reason "a record without a key"`] : []),
  ];
}

function nextStepsAfterRetry(
  slice: ManagedSlice,
  { dryRun, isRefused, queue }: { dryRun: boolean; isRefused: boolean; queue: HeldName | null },
): string[] {
  const which = queue ? namedBy(queue) : '--all';
  if (dryRun && !isRefused) return [`banyan sync retry ${slice.name} ${which}`];
  const skip = isRefused && queue ? [`banyan sync skip ${slice.name} ${which} --reason "..."`] : [];
  return [isRefused ? `banyan sync errors ${slice.name}` : 'banyan status', ...skip];
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
