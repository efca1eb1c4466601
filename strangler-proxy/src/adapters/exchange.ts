import type { PassThrough } from 'node:stream';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { ForwardFailure, ForwardOptions, ForwardOutcome } from '../use-cases/data-plane.ts';
import { clientResponseHeaders } from './forwarded-headers.ts';

class DeadlineError extends Error {
  readonly code = 'upstream-deadline';
  override readonly name = 'DeadlineError';
}

const failureByCode: Readonly<Record<string, ForwardFailure>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  ENETUNREACH: 'refused',
  ENOTFOUND: 'refused',
  EAI_AGAIN: 'refused',
  ECONNRESET: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_CONNECT_TIMEOUT: 'deadline',
  'upstream-deadline': 'deadline',
  UND_ERR_INVALID_ARG: 'request',
  UND_ERR_NOT_SUPPORTED: 'request',
};

/** What an error of an upstream's connection says. */
export function failureOf(error: Error): ForwardFailure {
  const code = (error as NodeJS.ErrnoException).code;
  return (code === undefined ? undefined : failureByCode[code]) ?? 'protocol';
}

function textHeaders(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  // undici gives the raw list as bytes; Node writes header text as latin1, so these bytes pass unchanged.
  return Array.isArray(raw)
    ? raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')))
    : [];
}

interface ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: PassThrough | null;
  readonly options: ForwardOptions;
  readonly done: (outcome: ForwardOutcome) => void;
}

/** One request on its way through: undici's handler, from the request's first byte to the answer's last. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #body: PassThrough | null;
  readonly #options: ForwardOptions;
  readonly #done: (outcome: ForwardOutcome) => void;
  readonly #startedAtMs = performance.now();
  readonly #deadline: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | null = null;
  /** Set with the status once the answer's headers have gone to the client. */
  #answer: { status: number; headersMs: number } | null = null;
  #isSettled = false;
  #hasWritten = false;

  constructor({ request, response, body, options, done }: ExchangeOptions) {
    this.#request = request;
    this.#response = response;
    this.#body = body;
    this.#options = options;
    this.#done = done;
    this.#deadline = setTimeout(this.#onDeadline, options.deadlineMs);
    response.once('close', this.#onClientGone);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It waited for a connection, and was given up meanwhile.
    if (this.#isSettled) controller.abort(new DeadlineError('given up before it was sent'));
  }

  onBodySent(): void {
    // The upstream owes an answer from the request's end on. A timer that was cleared must not start again.
    if (!this.#isSettled && !this.#answer) this.#deadline.refresh();
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    statusText?: string,
  ): void {
    if (status < 200 || this.#isSettled) return; // interim answers end at this hop
    clearTimeout(this.#deadline);
    const headersMs = performance.now() - this.#startedAtMs;
    if (this.#options.refuses?.(status)) {
      this.#settle({ kind: 'refused', status, headersMs });
      controller.abort(new Error('another upstream answers'));
      return;
    }
    const extra = this.#options.responseHeaders?.(status) ?? [];
    const headers = clientResponseHeaders(textHeaders(controller.rawHeaders), extra);
    if (statusText) this.#response.writeHead(status, statusText, headers);
    else this.#response.writeHead(status, headers);
    this.#answer = { status, headersMs };
    // Headers wait for the first bytes of the body, to go in one packet; but only if those have come already.
    process.nextTick(this.#flushHeaders);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isSettled) return;
    this.#hasWritten = true;
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    if (this.#isSettled || !this.#answer) return;
    this.#hasWritten = true;
    this.#response.end();
    this.#settle({ kind: 'answered', ...this.#answer });
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#isSettled) return;
    if (this.#answer) {
      this.#settle({ kind: 'broken', ...this.#answer });
      // The client must not take half an answer for a whole one.
      this.#response.destroy();
      return;
    }
    this.#settle({ kind: 'failed', failure: failureOf(error), error });
  }

  readonly #flushHeaders = (): void => {
    if (!this.#hasWritten && !this.#isSettled) this.#response.flushHeaders();
  };

  readonly #onClientGone = (): void => {
    this.#settle({ kind: 'cancelled' });
    this.#controller?.abort(new Error('the client went away'));
  };

  readonly #onDeadline = (): void => {
    if (this.#body && !this.#request.complete && !this.#body.writableNeedDrain) {
      // The client is slow to send; the server's own limit on a request's length in time ends that.
      this.#deadline.refresh();
      return;
    }
    const error = new DeadlineError('no answer in time');
    this.#settle({ kind: 'failed', failure: 'deadline', error });
    this.#controller?.abort(error);
  };

  #settle(outcome: ForwardOutcome): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#deadline);
    this.#response.off('close', this.#onClientGone);
    if (this.#body && !this.#body.readableEnded) {
      // What is left of the request is read and dropped, so that the connection can serve the next one.
      this.#request.unpipe(this.#body);
      this.#request.resume();
      this.#body.destroy();
    }
    this.#done(outcome);
  }
}
