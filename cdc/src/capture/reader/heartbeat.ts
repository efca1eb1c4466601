import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@banyan/kit';
import { isAborted } from '../postgres/is-aborted.ts';
import { writeMessage } from '../feed/logical-message.ts';
import type { SourceDatabase } from '../postgres/source-database.ts';
import {
  parseSnapshot,
  type StreamedTransactions,
  type TransactionSnapshot,
} from '../postgres/transaction-visibility.ts';

/** A heartbeat that was written, and what was visible then. */
export interface WrittenHeartbeat {
  readonly atMs: number;
  readonly snapshot: TransactionSnapshot;
}

/** Forgets, as the stream passes heartbeats, transactions that were visible when they were written. */
export class VisibleAtHeartbeat {
  #written: WrittenHeartbeat | null = null;

  write(heartbeat: WrittenHeartbeat): void {
    this.#written = heartbeat;
  }

  /** The stream passes the heartbeat that was written at that time, milliseconds since the epoch. */
  pass(atMs: number, transactions: StreamedTransactions): void {
    if (!this.#written || this.#written.atMs > atMs) return;
    transactions.forgetVisible(this.#written.snapshot);
    this.#written = null;
  }
}

/**
 * Writes a heartbeat into the WAL every `intervalMs` until the signal aborts. Coming back through the stream it proves
 * that the whole way works, and it moves an idle slot on.
 *
 * @param options.onWritten Gets each heartbeat with the database's snapshot beside it.
 * @param options.look Called after each heartbeat; a rejection counts as a heartbeat that failed.
 */
export async function runHeartbeat(options: {
  readonly database: SourceDatabase;
  readonly intervalMs: number;
  readonly onWritten: (heartbeat: WrittenHeartbeat) => void;
  readonly look: () => Promise<void>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { database, intervalMs, onWritten, look, logger, signal } = options;
  let wasWritten = true;
  while (!signal.aborted) {
    try {
      const atMs = Date.now();
      const { snapshot } = await writeMessage(database, { heartbeat: atMs }, signal);
      onWritten({ atMs, snapshot: parseSnapshot(snapshot) });
      await look();
      wasWritten = true;
    } catch (error) {
      // Said once: the next one is due soon, and its age is what others look at.
      if (wasWritten && !isAborted(signal)) logger.warn({ err: error }, 'a heartbeat could not be written');
      wasWritten = false;
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
  }
}
