import { heartbeatTopic } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import type { BusRecord, OpenTransaction, SourcePosition, SourceRecord, Witness } from '../../bus/bus.ts';
import type { EnvelopeContext } from '../../rows/envelope.ts';
import type { StreamedTransactions } from '../postgres/transaction-visibility.ts';
import { SIGNAL_TABLE } from '../wal/feed-table.ts';
import type { VisibleAtHeartbeat } from './heartbeat.ts';
import type { OutboxRouter } from './outbox-event.ts';
import { changeRecords, type RowChange, type StreamedTransaction } from '../wal/row-change.ts';
import { readSignal } from '../table-snapshot/signal-row.ts';
import type { TableSnapshots } from '../table-snapshot/table-snapshots.ts';
import type { StreamStep } from '../wal/transaction-assembler.ts';

/** What steps of the stream put on the bus, and what follows from their being stored. */
export interface StepRecords {
  readonly records: readonly SourceRecord[];
  /** End of the last step that is whole, and what is stored of one that is not. */
  readonly lsn: bigint;
  readonly open: OpenTransaction | null;
  /** The last step by which the server's history can be known again. */
  readonly witness: Witness | null;
  /** Time written in the last heartbeat among the steps; null without one. */
  readonly heartbeatMs: number | null;
  readonly onStored: () => void;
}

/** Turns steps, in their order, into records. */
export class StepTranslator {
  readonly #context: EnvelopeContext;
  readonly #routeOutbox: OutboxRouter;
  readonly #snapshots: TableSnapshots;
  readonly #transactions: StreamedTransactions;
  readonly #visible: VisibleAtHeartbeat;
  readonly #logger: Logger;

  constructor(parts: {
    readonly context: EnvelopeContext;
    readonly routeOutbox: OutboxRouter;
    readonly snapshots: TableSnapshots;
    readonly transactions: StreamedTransactions;
    readonly visible: VisibleAtHeartbeat;
    readonly logger: Logger;
  }) {
    this.#context = parts.context;
    this.#routeOutbox = parts.routeOutbox;
    this.#snapshots = parts.snapshots;
    this.#transactions = parts.transactions;
    this.#visible = parts.visible;
    this.#logger = parts.logger;
  }

  /** @param from Stored position before the first step. */
  translate(
    steps: readonly StreamStep[],
    from: Pick<SourcePosition, 'lsn' | 'open' | 'witness'>,
  ): StepRecords {
    const records: SourceRecord[] = [];
    const callbacks: (() => void)[] = [];
    let { lsn, open, witness } = from;
    let heartbeatMs: number | null = null;
    for (const step of steps) {
      if (step.kind === 'transaction' || step.kind === 'transaction-part') {
        for (const change of step.changes) records.push(...this.#change(change, step, lsn, callbacks));
        if (step.changes.length > 0) this.#transactions.add(step.xid);
      } else if (step.kind === 'message' && step.content) {
        const { content } = step;
        if ('heartbeat' in content) {
          heartbeatMs = content.heartbeat;
          this.#visible.pass(content.heartbeat, this.#transactions);
          records.push(this.#heartbeat(content.heartbeat));
        } else if ('lowWatermark' in content) {
          this.#snapshots.passLow(content.lowWatermark);
        } else if ('highWatermark' in content) {
          const outcome = this.#snapshots.passHigh(content.highWatermark);
          records.push(...outcome.records);
          callbacks.push(outcome.onStored);
        }
      }
      if (step.kind === 'transaction-part') {
        open = step.open;
        continue;
      }
      if (step.lsn <= lsn) continue; // a ping may tell of less than has come since
      lsn = step.lsn;
      if (open && open.finalLsn < lsn) open = null;
      if (step.kind !== 'pinged' && step.identity !== null) witness = { lsn, identity: step.identity };
    }
    const onStored = (): void => callbacks.forEach((callback) => callback());
    return { records: this.#routeOutbox(records), lsn, open, witness, heartbeatMs, onStored };
  }

  #change(
    change: RowChange,
    transaction: StreamedTransaction,
    previousLsn: bigint,
    callbacks: (() => void)[],
  ): readonly SourceRecord[] {
    if (change.table.name !== SIGNAL_TABLE) {
      if (!change.table.isCarried) return [];
      this.#snapshots.note(change);
      return changeRecords(change, transaction, { context: this.#context, previousLsn });
    }
    const signal = readSignal(change);
    if (!signal) return [];
    if (signal.kind === 'unknown') {
      this.#logger.error({ id: signal.id, reason: signal.reason }, 'a signal was not understood');
      return [];
    }
    const outcome = this.#snapshots.onSignal(signal);
    callbacks.push(outcome.onStored);
    return outcome.records;
  }

  #heartbeat(atMs: number): BusRecord {
    const { prefix } = this.#context;
    return {
      topic: heartbeatTopic(prefix),
      key: JSON.stringify({ serverName: prefix }),
      headers: {},
      value: JSON.stringify({ ts_ms: atMs }),
    };
  }
}
