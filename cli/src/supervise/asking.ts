import type { ChildProcess } from 'node:child_process';
import { waitForPostgres } from '@banyan/postgres';
import { PING, PONG } from '@banyan/kit';
import type { Readiness } from './process-spec.ts';

/** True when this address answers: with 200, or whatever it says. */
export async function answersHttp(
  url: string,
  options: { readonly signal: AbortSignal; readonly anyStatus: boolean },
): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: options.signal });
    await answer.body?.cancel();
    return answer.ok || options.anyStatus;
  } catch {
    return false; // not yet, or no more: it is asked again
  }
}

/** True when the process answers a ping over its IPC channel. */
function answersPing(child: ChildProcess, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const hear = (message: unknown): void => {
      if (typeof message === 'object' && message && 'kind' in message && message.kind === PONG.kind)
        end(true);
    };
    const giveUp = (): void => end(false);
    const end = (answers: boolean): void => {
      child.off('message', hear);
      signal.removeEventListener('abort', giveUp);
      resolve(answers);
    };
    child.on('message', hear);
    signal.addEventListener('abort', giveUp, { once: true });
    if (child.connected) child.send(PING, (error) => error && giveUp());
    else giveUp();
  });
}

/** Asks once whether a process that was ready still answers, in whatever way it did. */
export async function stillAnswers(
  how: Readiness,
  child: ChildProcess,
  signal: AbortSignal,
): Promise<boolean> {
  switch (how.kind) {
    case 'ipc':
      return answersPing(child, signal);
    case 'http':
      return answersHttp(how.url, { signal, anyStatus: true }); // 503 is an answer: it runs
    case 'check':
      return how.isReady(signal);
    case 'postgres':
      return waitForPostgres(how.url, 1, signal).then(
        () => true,
        () => false, // as it says
      );
  }
}
