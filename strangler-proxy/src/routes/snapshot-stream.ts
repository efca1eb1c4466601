import type { Logger } from '@banyan/kit';
import { createParser } from 'eventsource-parser';
import type { Dispatcher } from 'undici';
import { requestWithin } from '../outbound/request-within.ts';

export interface SnapshotStreamOptions {
  /** Base URL of the control plane. */
  readonly controlUrl: string;
  readonly peerToken: string;
  readonly proxyId: string;
  readonly dispatcher: Dispatcher;
  readonly log: Logger;
  /** Gets each snapshot's JSON text. */
  readonly onSnapshot: (text: string) => void;
  readonly onConnected: (isConnected: boolean) => void;
  /** Silence after which the stream counts as dead, in milliseconds; control pings every 5 s. Default 15,000. */
  readonly silenceMs?: number;
  /** First pause before connecting again, in milliseconds; doubles up to 5,000. Default 100. */
  readonly backoffMs?: number;
}

const MAX_BACKOFF_MS = 5_000;
/** Most characters of a line or event that has not ended: far above any snapshot. */
const MAX_EVENT_CHARS = 4_000_000;

/** Listens to the control plane's stream of routes snapshots, and connects again for as long as it is not closed. */
export function openSnapshotStream(options: SnapshotStreamOptions): { close(): Promise<void> } {
  const { log, onSnapshot, onConnected, silenceMs = 15_000, backoffMs = 100 } = options;
  const stopped = new AbortController();
  const isStopped = (): boolean => stopped.signal.aborted;
  let pauseMs = backoffMs;

  async function listen(): Promise<void> {
    const silence = new AbortController();
    const watchdog = setTimeout(() => silence.abort(new Error('silent for too long')), silenceMs);
    try {
      const url = new URL(
        `/v1/routes/stream?proxy=${encodeURIComponent(options.proxyId)}`,
        options.controlUrl,
      );
      const { statusCode, body } = await requestWithin(url, {
        dispatcher: options.dispatcher,
        headers: { authorization: `Bearer ${options.peerToken}`, accept: 'text/event-stream' },
        headersTimeout: 0, // the watchdog sees to both
        bodyTimeout: 0,
        signal: AbortSignal.any([silence.signal, stopped.signal]),
      });
      if (statusCode !== 200) {
        await body.dump();
        throw new Error(`the control plane answered ${statusCode}`);
      }
      onConnected(true);
      const parser = createParser({
        maxBufferSize: MAX_EVENT_CHARS,
        onEvent({ event, data }) {
          pauseMs = backoffMs; // it talks sense, so a lost connection deserves a quick return
          if (event === 'routes') onSnapshot(data);
        },
        onError(error) {
          // What the standard has skipped, such as an unknown field, is skipped.
          if (error.type === 'max-buffer-size-exceeded') throw error;
        },
      });
      const decoder = new TextDecoder();
      for await (const chunk of body) {
        watchdog.refresh();
        parser.feed(decoder.decode(chunk as Buffer, { stream: true }));
      }
      throw new Error('the control plane ended the stream');
    } finally {
      clearTimeout(watchdog);
      onConnected(false);
    }
  }

  async function run(): Promise<void> {
    let wasLost = false;
    for (;;) {
      try {
        await listen();
      } catch (error) {
        if (isStopped()) return;
        // Once an outage, not at each try.
        if (!wasLost || pauseMs === backoffMs) {
          log.warn(
            { reason: (error as Error).message },
            'no routes stream: serving on with the snapshot at hand',
          );
        }
        wasLost = true;
      }
      await pause(pauseMs * (0.75 + Math.random() / 2), stopped.signal);
      if (isStopped()) return;
      pauseMs = Math.min(pauseMs * 2, MAX_BACKOFF_MS);
    }
  }

  const running = run();
  return {
    close() {
      stopped.abort();
      return running;
    },
  };
}

function pause(timeMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, timeMs);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}
