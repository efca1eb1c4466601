import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@banyan/kit';
import type { FeedPublication } from '../feed/feed-publication.ts';
import { isAborted } from '../postgres/is-aborted.ts';

/**
 * Takes tables out of the feed that the application could no longer write to, until the signal aborts. The control plane
 * does the same: either of them may be down.
 */
export async function runWriteGuard(options: {
  readonly publication: FeedPublication;
  readonly intervalMs: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { publication, intervalMs, logger, signal } = options;
  let isLooking = true;
  while (!signal.aborted) {
    try {
      for (const { table, reason } of await publication.removeUnwritable(signal)) {
        logger.error(
          { table, reason },
          'the application could not update or delete rows of this table while it is in the feed: it was taken out',
        );
      }
      isLooking = true;
    } catch (error) {
      // Said once: the next look is due soon.
      if (isLooking && !isAborted(signal))
        logger.warn({ err: error }, 'the tables of the feed could not be looked at');
      isLooking = false;
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
  }
}
