import { request, type Dispatcher } from 'undici';

type RequestOptions = NonNullable<Parameters<typeof request>[1]>;

/**
 * undici's `request`, given up as soon as the signal says so. On its own it heeds the signal only once it has a
 * connection: an address that does not answer would hold its caller for as long as connecting may take.
 *
 * @throws the signal's reason, or undici's error.
 */
export async function requestWithin(
  url: URL,
  options: RequestOptions & { readonly dispatcher: Dispatcher; readonly signal: AbortSignal },
): Promise<Awaited<ReturnType<typeof request>>> {
  const { signal } = options;
  signal.throwIfAborted();
  const asked = request(url, options);
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([asked, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    asked.catch(() => undefined); // the caller has heard of it, or has given up
  }
}
