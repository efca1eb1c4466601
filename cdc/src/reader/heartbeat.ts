import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@banyan/kit';
import { isAborted } from '../source/is-aborted.ts';
import { writeMessage } from '../source/logical-message.ts';
import type { SourceDatabase } from '../source/source-database.ts';
import { parseSnapshot, type TransactionSnapshot } from '../source/transaction-visibility.ts';

/**
 * Writes a heartbeat into the WAL every `intervalMs` until the signal aborts. Coming back through the stream it proves
 * that the whole way works, and it moves an idle slot on.
 *
 * @param options.onSnapshot Gets the database's snapshot at each heartbeat.
 * @param options.look Called after each heartbeat; a rejection counts as a heartbeat that failed.
 */
export async function runHeartbeat(options: {
  readonly database: SourceDatabase;
  readonly intervalMs: number;
  readonly onSnapshot: (snapshot: TransactionSnapshot) => void;
  readonly look: () => Promise<void>;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { database, intervalMs, onSnapshot, look, logger, signal } = options;
  let wasWritten = true;
  while (!signal.aborted) {
    try {
      const { snapshot } = await writeMessage(database, { heartbeat: Date.now() }, signal);
      onSnapshot(parseSnapshot(snapshot));
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
