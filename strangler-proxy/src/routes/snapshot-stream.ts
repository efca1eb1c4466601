import { Backoff, type Logger } from '@banyan/kit';
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
  /** Pauses before connecting again. Default up to 100 ms at first, up to 5 s at last. */
  readonly backoff?: Backoff;
}

/** Most characters of a line or event that has not ended: far above any snapshot. */
const MAX_EVENT_CHARS = 4_000_000;

/** Listens to the control plane's stream of routes snapshots, and connects again for as long as it is not closed. */
export function openSnapshotStream(options: SnapshotStreamOptions): { close(): Promise<void> } {
  const { log, onSnapshot, onConnected, silenceMs = 15_000 } = options;
  const { backoff = new Backoff({ firstMs: 100, lastMs: 5_000 }) } = options;
  const stopped = new AbortController();
  const isStopped = (): boolean => stopped.signal.aborted;

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
          backoff.reset(); // it talks sense, so a lost connection deserves a quick return
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
    do {
      try {
        await listen();
      } catch (error) {
        if (isStopped()) return;
        // Once an outage, not at each try.
        if (backoff.isFresh) {
          log.warn(
            { reason: (error as Error).message },
            'no routes stream: serving on with the snapshot at hand',
          );
        }
      }
    } while (await backoff.wait(stopped.signal));
  }

  const running = run();
  return {
    close() {
      stopped.abort();
      return running;
    },
  };
}
