import { Backoff } from '@banyan/kit';
import type { ServiceCopy } from './copy.ts';
import { ServiceCopyError } from './http-service-copy.ts';

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 1_000;

/**
 * A copy whose service may restart: what it cannot be asked now is asked again.
 *
 * @param options.awayTimeoutMs How long one question is asked again before its error is thrown. Default 60,000.
 */
export function createPatientCopy(
  copy: ServiceCopy,
  options: { readonly awayTimeoutMs?: number } = {},
): ServiceCopy {
  const { awayTimeoutMs = 60_000 } = options;
  const patiently = async <T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> => {
    const deadlineMs = performance.now() + awayTimeoutMs;
    const backoff = new Backoff({ firstMs: FIRST_RETRY_MS, lastMs: LAST_RETRY_MS });
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        signal.throwIfAborted();
        if (!isAway(error) || performance.now() > deadlineMs) throw error;
        await backoff.wait(signal);
        signal.throwIfAborted();
      }
    }
  };
  return {
    sync: (signal) => patiently(signal, () => copy.sync(signal)),
    metTopics: (id, signal) => patiently(signal, () => copy.metTopics(id, signal)),
    pieces: (request, signal) => patiently(signal, () => copy.pieces(request, signal)),
    rows: (request, signal) => patiently(signal, () => copy.rows(request, signal)),
  };
}

function isAway(error: unknown): boolean {
  return (
    error instanceof ServiceCopyError &&
    (error.code === 'service-unreachable' || error.code === 'service-failed')
  );
}
