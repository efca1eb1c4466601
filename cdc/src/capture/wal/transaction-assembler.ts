import type { OpenTransaction, SourcePosition } from '../../bus/bus.ts';
import { readMessageContent, type MessageContent } from '../feed/logical-message.ts';
import type { PgOutputMessage } from './pgoutput.ts';
import type { StreamedTable } from './feed-table.ts';
import { HistoryCheck } from './history-check.ts';
import type { StreamEvent } from './replication-stream.ts';
import type { RowChange, StreamedTransaction } from './row-change.ts';

/** A step of the stream that can be stored. */
export type StreamStep =
  /** Everything before `lsn` has come; the changes are those since the last part, if there was one. */
  | (StreamedTransaction & { readonly kind: 'transaction'; readonly lsn: bigint; readonly identity: string })
  /** More of the transaction follows. */
  | (StreamedTransaction & { readonly kind: 'transaction-part'; readonly open: OpenTransaction })
  /** `identity` is null for a message that says nothing. */
  | {
      readonly kind: 'message';
      readonly lsn: bigint;
      readonly content: MessageContent | null;
      readonly identity: string | null;
    }
  | { readonly kind: 'pinged'; readonly lsn: bigint };

type Change = Extract<PgOutputMessage, { kind: 'insert' | 'update' | 'delete' | 'truncate' }>;

interface Transaction {
  readonly xid: number;
  readonly commitUs: bigint;
  readonly finalLsn: bigint;
  readonly identity: string;
  readonly stored: 'all' | 'nothing' | OpenTransaction;
  origin: StreamedTransaction['origin'];
  changes: RowChange[];
  bytes: number;
  /** The last change seen, and how many of the same LSN there were. */
  changeLsn: bigint;
  changesAtLsn: number;
}

/** A transaction is handed on in parts of so many changes or bytes of the stream: memory does not grow with it. */
const MAX_PART_CHANGES = 2_000;
const MAX_PART_BYTES = 4 * 1024 * 1024;

/**
 * Puts the stream's messages together into transactions and parts of large ones, leaving out what is stored already.
 * Tables must be announced before their changes. Within a transaction the server sends changes by rising LSN, and
 * after a reconnection the same ones again: that is how a part is found again.
 */
export class TransactionAssembler {
  readonly #tableOf: (oid: number) => StreamedTable;
  readonly #from: Pick<SourcePosition, 'lsn' | 'open'>;
  readonly #history: HistoryCheck;
  #open: Transaction | null = null;
  #hasMetStored = false;

  /**
   * @param options.from The stored position.
   * @param options.sentFrom Where the server was asked to begin.
   */
  constructor(options: {
    readonly tableOf: (oid: number) => StreamedTable;
    readonly from: Pick<SourcePosition, 'lsn' | 'open' | 'witness'>;
    readonly sentFrom: bigint;
  }) {
    this.#tableOf = options.tableOf;
    this.#from = options.from;
    this.#history = new HistoryCheck(options.from, options.sentFrom);
  }

  /** True once the stream has come again to the stored position: the server may be told that it is. */
  get hasMetStored(): boolean {
    return this.#hasMetStored;
  }

  /** @returns a step when the event completes one. @throws HistoryChangedError */
  push(event: StreamEvent): StreamStep | null {
    if (event.kind === 'wal') return this.#pushMessage(event.message, event.walStart, event.bytes);
    // Inside a transaction the server's position says nothing yet of what has been sent.
    return this.#open ? null : this.#step({ kind: 'pinged', lsn: event.walEnd }, null);
  }

  #pushMessage(message: PgOutputMessage, walStart: bigint, bytes: number): StreamStep | null {
    switch (message.kind) {
      case 'begin':
        this.#begin(message);
        return null;
      case 'origin':
        this.#transaction().origin = { name: message.name, lsn: message.lsn };
        return null;
      case 'commit': {
        const { xid, commitUs, origin, changes, identity } = this.#transaction();
        this.#open = null;
        const { endLsn: lsn } = message;
        return this.#step({ kind: 'transaction', lsn, identity, xid, commitUs, origin, changes }, identity);
      }
      case 'message': {
        // A transactional one of somebody else; ours are not, and so stand between transactions.
        if (message.transactional) return null;
        const content = readMessageContent(message.prefix, message.content);
        const identity = content && message.content;
        return this.#step({ kind: 'message', lsn: message.lsn, content, identity }, identity);
      }
      case 'relation':
      case 'type':
        return null;
      case 'insert':
      case 'update':
      case 'delete':
      case 'truncate':
        return this.#change(message, walStart, bytes);
    }
  }

  #begin({ xid, commitUs, finalLsn }: Extract<PgOutputMessage, { kind: 'begin' }>): void {
    const identity = `${xid}@${commitUs}`;
    this.#history.begin(finalLsn, identity);
    const { lsn, open } = this.#from;
    // Its end lies behind its commit record: one whose record begins before the stored position was stored whole.
    const stored = finalLsn < lsn ? 'all' : open?.finalLsn === finalLsn ? open : 'nothing';
    this.#open = {
      xid,
      commitUs,
      finalLsn,
      identity,
      stored,
      origin: null,
      changes: [],
      bytes: 0,
      changeLsn: 0n,
      changesAtLsn: 0,
    };
  }

  #change(message: Change, lsn: bigint, bytes: number): StreamStep | null {
    const open = this.#transaction();
    for (const change of this.#changes(message, lsn)) {
      open.changesAtLsn = open.changeLsn === lsn ? open.changesAtLsn + 1 : 1;
      open.changeLsn = lsn;
      if (isStored(open)) continue;
      open.changes.push(change);
      open.bytes += bytes;
    }
    return open.changes.length >= MAX_PART_CHANGES || open.bytes >= MAX_PART_BYTES ? this.#part(open) : null;
  }

  #part(open: Transaction): StreamStep {
    const { xid, commitUs, origin, changes, finalLsn, identity, changeLsn, changesAtLsn } = open;
    open.changes = [];
    open.bytes = 0;
    return {
      kind: 'transaction-part',
      xid,
      commitUs,
      origin,
      changes,
      open: { finalLsn, identity, changeLsn, changesAtLsn },
    };
  }

  /** Null for a step that ends where everything is stored. */
  #step(step: Exclude<StreamStep, { kind: 'transaction-part' }>, identity: string | null): StreamStep | null {
    this.#history.pass(step.lsn, identity, step.kind === 'pinged');
    if (step.lsn >= this.#from.lsn && !this.#history.isWaiting) this.#hasMetStored = true;
    return step.lsn > this.#from.lsn ? step : null;
  }

  #changes(message: Change, lsn: bigint): readonly RowChange[] {
    if (message.kind === 'truncate') {
      return message.oids.map((oid) => ({
        kind: 'truncate',
        table: this.#tableOf(oid),
        lsn,
        before: null,
        after: null,
      }));
    }
    const { kind, oid } = message;
    return [
      {
        kind,
        table: this.#tableOf(oid),
        lsn,
        before: kind === 'insert' ? null : message.before,
        after: kind === 'delete' ? null : message.after,
      },
    ];
  }

  #transaction(): Transaction {
    if (!this.#open) throw new Error('The stream has a change outside of a transaction.');
    return this.#open;
  }
}

/** True when the change that was just counted is on the bus. */
function isStored({ stored, changeLsn, changesAtLsn }: Transaction): boolean {
  if (stored === 'all' || stored === 'nothing') return stored === 'all';
  return (
    changeLsn < stored.changeLsn || (changeLsn === stored.changeLsn && changesAtLsn <= stored.changesAtLsn)
  );
}
