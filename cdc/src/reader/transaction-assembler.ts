import type { MessageContent } from '../source/logical-message.ts';
import { readMessageContent } from '../source/logical-message.ts';
import type { PgOutputMessage } from '../source/pgoutput.ts';
import type { StreamedTable } from './feed-table.ts';
import type { StreamEvent } from './replication-stream.ts';
import type { RowChange, StreamedTransaction } from './row-change.ts';

/** A step of the stream that can be stored: everything before `lsn` has come. */
export type StreamStep =
  | StreamedTransaction
  | { readonly kind: 'message'; readonly lsn: bigint; readonly content: MessageContent | null }
  | { readonly kind: 'pinged'; readonly lsn: bigint };

interface OpenTransaction {
  readonly xid: number;
  readonly commitUs: bigint;
  origin: StreamedTransaction['origin'];
  readonly changes: RowChange[];
}

/** Puts the stream's messages together into whole transactions. Tables must be announced before their changes. */
export class TransactionAssembler {
  readonly #tableOf: (oid: number) => StreamedTable;
  #open: OpenTransaction | null = null;

  constructor(tableOf: (oid: number) => StreamedTable) {
    this.#tableOf = tableOf;
  }

  /** Rows of the transaction that is still open. */
  get openChanges(): number {
    return this.#open?.changes.length ?? 0;
  }

  /** @returns a step when the event completes one. */
  push(event: StreamEvent): StreamStep | null {
    if (event.kind === 'pinged') {
      // Inside a transaction the server's position says nothing yet of what has been sent.
      return this.#open ? null : { kind: 'pinged', lsn: event.walEnd };
    }
    return this.#pushMessage(event.message, event.walStart);
  }

  #pushMessage(message: PgOutputMessage, walStart: bigint): StreamStep | null {
    switch (message.kind) {
      case 'begin':
        this.#open = { xid: message.xid, commitUs: message.commitUs, origin: null, changes: [] };
        return null;
      case 'origin':
        this.#transaction().origin = { name: message.name, lsn: message.lsn };
        return null;
      case 'commit': {
        const step: StreamStep = { kind: 'transaction', lsn: message.endLsn, ...this.#transaction() };
        this.#open = null;
        return step;
      }
      case 'message':
        // A transactional one of somebody else; ours are not, and so stand between transactions.
        if (message.transactional) return null;
        return {
          kind: 'message',
          lsn: message.lsn,
          content: readMessageContent(message.prefix, message.content),
        };
      case 'relation':
      case 'type':
        return null;
      case 'insert':
      case 'update':
      case 'delete':
      case 'truncate':
        this.#transaction().changes.push(...this.#changes(message, walStart));
        return null;
    }
  }

  #changes(
    message: Extract<PgOutputMessage, { kind: 'insert' | 'update' | 'delete' | 'truncate' }>,
    lsn: bigint,
  ): readonly RowChange[] {
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

  #transaction(): OpenTransaction {
    if (!this.#open) throw new Error('The stream has a change outside of a transaction.');
    return this.#open;
  }
}
