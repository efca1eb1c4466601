import type {
  HeldKeyReport,
  HeldKeyRequest,
  QuarantineReport,
  RetryReport,
  RetryRequest,
  SliceDefinition,
} from '@banyan/contracts';
import type { ApplyStore, QueueName } from '../apply-store.ts';
import { RecordError } from '../decode.ts';
import { heldPayload } from './held-payload.ts';
import { MappingError } from '../../rows/mapping.ts';
import { keyTexts } from '../../rows/record-key.ts';
import { missingRow, RowRejectedError } from '../../rows/reduce.ts';
import { planReplay, type HeldRecords } from './replay.ts';
import type { TopicState } from '../topic-state.ts';

/** Queues that are replayed in one transaction, as long as none of them is refused. */
const QUEUES_AT_ONCE = 100;
const NAMED_QUEUES = 100;

type States = ReadonlyMap<string, TopicState>;

export interface QuarantineOptions {
  readonly slice: SliceDefinition;
  readonly store: ApplyStore;
  readonly states: () => States;
  /** Runs work between two batches; what it returns are the states that the next batch goes by. */
  readonly change: (work: (states: States) => Promise<States>) => Promise<void>;
}

interface Outcome extends HeldRecords {
  readonly refusedBecause: string | null;
}

/**
 * Records that could not be applied, and what waits behind them. `retry` replays them once code or schema is mended; a
 * row that is read again at the source lets them go when it comes.
 */
export class Quarantine {
  readonly #options: QuarantineOptions;

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** @param limit Most queues to show; the longest held come first. */
  async list(limit: number): Promise<QuarantineReport> {
    const { store, states, slice } = this.#options;
    const queues = await store.heldQueues({ limit });
    return {
      records: [...states().values()].reduce((sum, { heldCount }) => sum + heldCount, 0),
      queues: queues.flatMap(({ topic, key, records, first, heldSinceMs }) => {
        const { table, windows } = states().get(topic) ?? {};
        const mapping = slice.tables.find(({ source }) => source === table?.source);
        if (!table || !mapping) return []; // of a table that the slice has no longer
        return {
          table: table.source,
          key: key === null ? null : keyTexts(key, table),
          offset: first.offset,
          reason: first.reason,
          heldSinceMs,
          waiting: records - 1,
          rereadSinceMs: (key === null ? null : windows?.get(key)?.openedAtMs) ?? null,
          lacksValue: first.reason === missingRow(table).message,
          payload: heldPayload(first.value, mapping),
        };
      }),
    };
  }

  /**
   * Replays held events, each queue in order and whole or not at all, between two batches. A queue that is refused
   * again stays as it was.
   *
   * @throws StoreError, ProgressMovedError as `ApplyStore.apply`.
   */
  async retry({ queue, dryRun }: RetryRequest): Promise<RetryReport> {
    const names = queue ? this.#find(queue) : this.#all();
    const outcomes: Outcome[] = [];
    for (let from = 0; from < names.length; from += QUEUES_AT_ONCE) {
      await this.#options.change(async (before) => {
        const held = await this.#read(names.slice(from, from + QUEUES_AT_ONCE), before);
        return await this.#replay(held, before, { dryRun, outcomes });
      });
    }
    const refused = outcomes.filter(({ refusedBecause }) => refusedBecause !== null);
    const applied = outcomes.filter(({ refusedBecause }) => refusedBecause === null);
    return {
      applied: applied.length,
      refused: refused.length,
      queues: [...refused, ...applied].slice(0, NAMED_QUEUES).map((outcome) => ({
        table: outcome.table.source,
        key: keyTexts(outcome.key, outcome.table),
        records: outcome.records.length,
        refusedBecause: outcome.refusedBecause,
      })),
    };
  }

  /** How many records are held of a key. */
  heldOf(queue: HeldKeyRequest): HeldKeyReport {
    const { states } = this.#options;
    const counts = this.#find(queue).map(({ topic, key }) => states().get(topic)?.heldKeys.get(key) ?? 0);
    return { records: counts.reduce((sum, count) => sum + count, 0) };
  }

  #all(): QueueName[] {
    return [...this.#options.states().values()].flatMap(({ topic, heldKeys }) =>
      Array.from(heldKeys.keys(), (key) => ({ topic, key })),
    );
  }

  #find({ table, key }: { readonly table: string; readonly key: readonly string[] }): QueueName[] {
    const wanted = JSON.stringify(key);
    return [...this.#options.states().values()].flatMap((state) => {
      const of = state.table;
      if (of?.source !== table) return [];
      return [...state.heldKeys.keys()]
        .filter((held) => JSON.stringify(keyTexts(held, of)) === wanted)
        .map((held) => ({ topic: state.topic, key: held }));
    });
  }

  async #read(names: readonly QueueName[], states: States): Promise<HeldRecords[]> {
    const held: HeldRecords[] = [];
    for (const { topic, key } of names) {
      const table = states.get(topic)?.table;
      // Let go meanwhile: by a reset, or by its row that was read again.
      if (!table || !states.get(topic)?.heldKeys.has(key)) continue;
      held.push({ topic, key, table, records: await this.#options.store.heldRecords({ topic, key }) });
    }
    return held;
  }

  /** All of them in one transaction; when one is refused, the halves, down to that one. */
  async #replay(
    held: readonly HeldRecords[],
    states: States,
    to: { readonly dryRun: boolean; readonly outcomes: Outcome[] },
  ): Promise<States> {
    if (held.length === 0) return states;
    try {
      const plan = planReplay(held, states);
      await this.#options.store.apply(plan.batch, { rehearse: to.dryRun });
      to.outcomes.push(...held.map((queue) => ({ ...queue, refusedBecause: null })));
      return to.dryRun ? states : plan.states;
    } catch (cause) {
      if (!isRefusal(cause)) throw cause;
      if (held.length === 1) {
        to.outcomes.push(...held.map((queue) => ({ ...queue, refusedBecause: cause.message })));
        return states;
      }
      const half = Math.ceil(held.length / 2);
      const between = await this.#replay(held.slice(0, half), states, to);
      return await this.#replay(held.slice(half), between, to);
    }
  }
}

function isRefusal(cause: unknown): cause is Error {
  return cause instanceof RowRejectedError || cause instanceof MappingError || cause instanceof RecordError;
}
