import { setTimeout as delay } from 'node:timers/promises';

/** What `look` finds, within 30 s unless told; its last error is the cause when there is nothing. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | null | false>,
  withinMs = 30_000,
): Promise<T> {
  const deadlineMs = performance.now() + withinMs;
  let last: unknown = 'nothing';
  while (performance.now() < deadlineMs) {
    try {
      const found = await look();
      if (found !== null && found !== false) return found;
    } catch (error) {
      last = error;
    }
    await delay(20);
  }
  throw new Error(`${what}: not in time`, { cause: last });
}
