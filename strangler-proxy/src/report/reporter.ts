import type { ProxyReport } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import type { ControlClient } from '../outbound/control-client.ts';

/** Tells the control plane each second how traffic goes. Nothing waits for it, and a report that fails is dropped. */
export function startReporting(options: {
  readonly send: ControlClient['report'];
  readonly report: () => ProxyReport;
  readonly log: Logger;
  /** Default 1,000. */
  readonly everyMs?: number;
}): { close(): Promise<void> } {
  const { send, report, log, everyMs = 1_000 } = options;
  const stopped = new AbortController();
  let sending: Promise<void> | null = null;

  const tick = (): void => {
    if (sending) return; // never two at once
    sending = send(report(), stopped.signal)
      .catch((error: unknown) => log.debug({ reason: (error as Error).message }, 'report not taken'))
      .finally(() => {
        sending = null;
      });
  };
  const timer = setInterval(tick, everyMs);
  tick();
  return {
    async close() {
      clearInterval(timer);
      stopped.abort();
      await sending;
    },
  };
}
