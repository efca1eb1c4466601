import { setTimeout as delay } from 'node:timers/promises';

/** Asks until the answer will do. @throws Error that tells the last answer, after `timeoutMs` */
export async function eventually<T>(
  ask: () => Promise<T>,
  willDo: (answer: T) => boolean,
  timeoutMs = 30_000,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (willDo(answer)) return answer;
    if (performance.now() > deadlineMs) throw new Error(`Not in time; at last: ${JSON.stringify(answer)}`);
    await delay(20);
  }
}
