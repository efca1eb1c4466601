import { caughtUpResponseSchema, type ProxyReport } from '@banyan/contracts';
import { withDeadline } from '@banyan/kit';
import type { Dispatcher } from 'undici';
import { requestWithin } from './request-within.ts';

/** The proxy's calls to the control plane, besides the stream of snapshots. */
export interface ControlClient {
  /** Tells how traffic goes. @throws Error when control does not take it within a second. */
  readonly report: (report: ProxyReport, signal: AbortSignal) => Promise<void>;
  /**
   * Asks whether the copies of these slices have everything that was written before this call.
   *
   * @throws Error without an answer within `timeoutMs` and a second.
   */
  readonly isCaughtUp: (question: {
    readonly slices: readonly string[];
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
  }) => Promise<boolean>;
}

const REPORT_DEADLINE_MS = 1_000;

/** Calls the control plane over HTTP, as a peer. */
export function createControlClient(options: {
  readonly controlUrl: string;
  readonly peerToken: string;
  readonly dispatcher: Dispatcher;
}): ControlClient {
  const { controlUrl, peerToken, dispatcher } = options;

  async function post(path: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const answer = await requestWithin(new URL(path, controlUrl), {
      dispatcher,
      method: 'POST',
      headers: { authorization: `Bearer ${peerToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300)
      throw new Error(`POST ${path}: the control plane answered ${answer.statusCode}`);
    return text === '' ? null : JSON.parse(text);
  }

  return {
    async report(report, signal) {
      await post('/v1/proxies/report', report, withDeadline(signal, REPORT_DEADLINE_MS));
    },
    async isCaughtUp({ slices, timeoutMs, signal }) {
      const deadline = withDeadline(signal, timeoutMs + 1_000);
      const answer = await post('/v1/caught-up', { slices, timeoutMs }, deadline);
      return caughtUpResponseSchema.parse(answer).caughtUp;
    },
  };
}
