import type { SyncReport } from '@banyan/contracts';
import { withDeadline } from '@banyan/kit';
import type { ServiceCopy } from './service-copy.ts';

/**
 * The service of a slice without tables: it has no copy, and is asked nothing but whether it is there.
 *
 * @param options.readyPath Answers below 300 when it is. Default `/readyz`.
 * @param options.deadlineMs How long it may take for an answer.
 */
export function createServiceWithoutCopy(options: {
  readonly name: string;
  readonly url: string;
  readonly readyPath?: string | undefined;
  readonly deadlineMs: number;
}): ServiceCopy {
  const { name, url, readyPath = '/readyz', deadlineMs } = options;
  const none = (): Promise<never> => Promise.reject(new Error(`The slice ${name} has no tables.`));
  const startedAtMs = Date.now();
  return {
    async sync(signal): Promise<SyncReport> {
      const deadline = withDeadline(signal, deadlineMs);
      const response = await fetch(`${url}${readyPath}`, { signal: deadline });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`it answers ${response.status} at ${readyPath}`);
      return {
        slice: name,
        group: name,
        state: 'running',
        error: null,
        startedAtMs,
        nowMs: Date.now(),
        tables: [],
        lag: null,
        heartbeatAtMs: null,
      };
    },
    metTopics: none,
    pieces: none,
    rows: none,
    store: none,
    quarantine: () => Promise.resolve({ records: 0, queues: [] }),
    retryHeld: none,
    heldKey: none,
  };
}
