import type { RoutesSnapshot } from '@banyan/contracts';
import type { RequestHandler, Response } from 'express';
import type { Closable } from '@banyan/kit';
import type { RoutesPublisher } from './routes-publisher.ts';

const PING_INTERVAL_MS = 5_000;
/** A reader that lets this much pile up is cut off; it comes back and gets the newest, bytes. */
const MAX_BACKLOG_BYTES = 1_000_000;

/** The stream of routes snapshots, as server-sent events. */
export interface RoutesStream extends Closable {
  readonly handler: RequestHandler;
  /** Ends every open stream. */
  close(): Promise<void>;
}

/** The current snapshot at once, then each new one; a comment now and then shows that the line is alive. */
export function createRoutesStream(publisher: RoutesPublisher): RoutesStream {
  const open = new Set<Response>();
  let closed = false;
  return {
    handler(_request, response) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      open.add(response);
      const write = (text: string): void => {
        if (response.writableLength > MAX_BACKLOG_BYTES) response.destroy();
        else response.write(text);
      };
      const send = (snapshot: RoutesSnapshot): void =>
        write(`event: routes\nid: ${snapshot.version}\ndata: ${JSON.stringify(snapshot)}\n\n`);
      // Subscribed in the same turn as the first send: no snapshot falls between.
      send(publisher.current());
      const unsubscribe = publisher.subscribe(send);
      const ping = setInterval(() => write(': ping\n\n'), PING_INTERVAL_MS);
      response.on('close', () => {
        clearInterval(ping);
        unsubscribe();
        open.delete(response);
      });
      if (closed) response.end();
    },
    close() {
      closed = true;
      for (const response of open) response.end();
      return Promise.resolve();
    },
  };
}
