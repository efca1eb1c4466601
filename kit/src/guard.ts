import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from './log.ts';
import { sendRawAnswer } from './raw-answer.ts';

/** Answers a request. What it throws, or rejects with, is logged and answered with 500. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => unknown;

const FAILED = JSON.stringify({ error: { code: 'internal', message: 'This could not be answered.' } });

/** Answers 500 in place of whatever was begun; cuts the client off when his answer has begun. */
function answerFailure(response: ServerResponse): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.shouldKeepAlive = false; // its body may stand half read
  // With its reason phrase: one that made an earlier writeHead throw is still set, and would throw again.
  response.writeHead(500, 'Internal Server Error', {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(FAILED),
    'cache-control': 'no-store',
  });
  response.end(FAILED);
}

/** A handler from which nothing escapes: no throw, no rejection, no error of the response. */
export function guard(
  handler: HttpHandler,
  log: Logger,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const fail = (error: unknown): void => {
      log.error({ err: error, method: request.method }, 'a request failed');
      try {
        answerFailure(response);
      } catch (second) {
        log.error({ err: second }, 'nor could its failure be answered');
        response.destroy();
      }
    };
    // Such as a write after its end: unheard, it would end the process.
    response.on('error', (error) => log.warn({ err: error }, 'an answer broke off'));
    try {
      Promise.resolve(handler(request, response)).catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}

const STATUS_BY_CODE: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'The head of this request is too large.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'The chunk extensions of this request are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The head of this request did not come in time.'],
};

/**
 * Answers what the parser could not read.
 *
 * @param response The one that is under way on this connection, if any.
 */
export function answerBrokenRequest(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  response: ServerResponse | undefined,
): void {
  if (response?.req.complete === true) {
    // It was asked for by an earlier, whole request: that one gets its answer, the broken one gets none.
    response.once('close', () => socket.destroy());
    return;
  }
  if (error.code === 'ECONNRESET' || response?.headersSent === true) {
    socket.destroy();
    return;
  }
  const [status, message] = STATUS_BY_CODE[error.code ?? ''] ?? [400, 'This request cannot be read.'];
  sendRawAnswer(socket, { status, message });
}
