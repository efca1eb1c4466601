import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { hasBody, type ForwardOptions, type ForwardOutcome } from './data-plane.ts';
import { AnswerError, answerHead, passableTrailers } from './answer-head.ts';
import { clientResponseHeaders } from './forwarded-headers.ts';
import { answerFailureOf, connectFailureOf, DeadlineError } from './upstream-failure.ts';

/** How one try ended. */
export interface TryOutcome {
  readonly outcome: ForwardOutcome;
  /** True when the request's head cannot have reached the upstream as a whole: nothing was carried out. */
  readonly isUnsent: boolean;
}

/** The data plane's limits on time, in milliseconds. */
export interface ExchangeLimits {
  /** Time to connect, TLS included. */
  readonly connectTimeoutMs: number;
  /** Longest silence within an answer's body. */
  readonly bodyIdleTimeoutMs: number;
  /** Wait for an answer's headers from which on a client who leaves has given up, and not just left. */
  readonly giveUpAfterMs: number;
}

interface ExchangeOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Just started, nothing written. */
  readonly upstreamRequest: ClientRequest;
  readonly isTls: boolean;
  readonly options: ForwardOptions;
  readonly limits: ExchangeLimits;
  readonly done: (end: TryOutcome) => void;
}

const NOTHING = '';

/** One request on its way through, from its first byte to the answer's last. */
export class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #upstream: ClientRequest;
  readonly #options: ForwardOptions;
  readonly #limits: ExchangeLimits;
  readonly #done: (end: TryOutcome) => void;
  readonly #startedAtMs = performance.now();
  readonly #deadline: NodeJS.Timeout;
  /** While the upstream owes something: since the last byte of the body that it could read, or the start. */
  #owedSinceMs = this.#startedAtMs;
  #connecting: NodeJS.Timeout | null = null;
  #isConnected = false;
  #isHeadOut = false;
  /** Set with the status once the answer's headers have gone to the client. */
  #answer: { status: number; headersMs: number } | null = null;
  #incoming: IncomingMessage | null = null;
  #bodySilence: NodeJS.Timeout | null = null;
  #hasWritten = false;
  #isSettled = false;

  constructor({ request, response, upstreamRequest, isTls, options, limits, done }: ExchangeOptions) {
    this.#request = request;
    this.#response = response;
    this.#upstream = upstreamRequest;
    this.#options = options;
    this.#limits = limits;
    this.#done = done;
    this.#deadline = setTimeout(this.#onDeadline, options.deadlineMs);
    response.once('close', this.#onClientGone);
    upstreamRequest
      .once('socket', (socket) => this.#onSocket(socket, isTls))
      .on('information', this.#onInformation)
      .once('response', this.#onAnswer)
      .once('upgrade', () => this.#fail(new AnswerError('the upstream changed the protocol, unasked')))
      .on('error', this.#onError)
      .once('close', this.#onUpstreamGone);
    if (hasBody(request)) {
      // The head goes first, so that the upstream can turn a body down before it comes. Only when it is out is the body
      // read: until then all can be done again.
      upstreamRequest.write(NOTHING, 'latin1', this.#onHeadOut);
    } else {
      upstreamRequest.end(this.#onSent);
    }
  }

  #onSocket(socket: Socket, isTls: boolean): void {
    this.#isConnected = this.#upstream.reusedSocket;
    if (this.#isConnected || this.#isSettled) return;
    // Bytes above 0x7f in a head go out as they came (RFC 9110 5.5): Node writes some heads without an encoding.
    socket.setDefaultEncoding('latin1');
    const error = new DeadlineError('no connection in time');
    this.#connecting = setTimeout(() => this.#fail(error), this.#limits.connectTimeoutMs);
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      this.#isConnected = true;
      if (this.#connecting) clearTimeout(this.#connecting);
    });
  }

  // The request's way

  readonly #onHeadOut = (error?: Error | null): void => {
    if (error || this.#isSettled) return; // its own event says more
    this.#isHeadOut = true;
    this.#request.on('data', this.#onBodyData).once('end', this.#onBodyEnd).resume();
    if (this.#request.readableEnded) this.#onBodyEnd();
  };

  readonly #onBodyData = (chunk: Buffer): void => {
    this.#owedSinceMs = performance.now();
    if (this.#upstream.write(chunk)) return;
    this.#request.pause();
    this.#upstream.once('drain', this.#resumeBody);
  };

  readonly #resumeBody = (): void => {
    this.#request.resume();
  };

  readonly #onBodyEnd = (): void => {
    if (this.#upstream.destroyed || this.#upstream.writableEnded) return;
    const trailers = passableTrailers(this.#request.rawTrailers);
    if (trailers.length > 0) this.#upstream.addTrailers(trailers);
    this.#upstream.end(this.#onSent);
  };

  readonly #onSent = (error?: Error | null): void => {
    if (error) return; // its own event says more
    this.#isHeadOut = true;
    this.#owedSinceMs = performance.now();
    // The upstream owes an answer from the request's end on. A timer that was cleared must not start again.
    if (!this.#isSettled && !this.#answer) this.#deadline.refresh();
  };

  /** True while it is the client's turn to send. */
  #isUploading(): boolean {
    return hasBody(this.#request) && !this.#request.complete && !this.#upstream.writableNeedDrain;
  }

  /** Sends no more of the body. What is left of it waits, for another try or for the end of the request. */
  #stopBody(): void {
    this.#request.off('data', this.#onBodyData).off('end', this.#onBodyEnd);
    this.#upstream.off('drain', this.#resumeBody);
    this.#request.pause();
  }

  // The answer's way

  readonly #onInformation = ({
    statusCode,
    rawHeaders,
  }: {
    statusCode: number;
    rawHeaders: string[];
  }): void => {
    const { httpVersionMajor, httpVersionMinor, headers } = this.#request;
    const isOldClient = httpVersionMajor === 1 && httpVersionMinor === 0;
    if (this.#isSettled || this.#response.headersSent || isOldClient) return;
    // A 100 that the client did not ask for means nothing to him, and not every client gets over it.
    if (statusCode === 100 && headers.expect !== undefined) this.#response.writeContinue();
    if (statusCode === 103) passHints(this.#response, clientResponseHeaders(rawHeaders, []));
  };

  readonly #onAnswer = (incoming: IncomingMessage): void => {
    if (this.#isSettled) return;
    this.#incoming = incoming;
    clearTimeout(this.#deadline);
    const status = incoming.statusCode ?? 0;
    const headersMs = performance.now() - this.#startedAtMs;
    if (this.#options.refuses?.(status)) {
      this.#settle({ kind: 'refused', status, headersMs });
      return;
    }
    try {
      const extra = this.#options.responseHeaders?.(status, incoming.rawHeaders) ?? [];
      const head = answerHead(incoming, this.#request, extra);
      this.#response.writeHead(status, head.statusText, head.headers);
    } catch (error) {
      // Node refuses control characters in a reason phrase, keeps it all the same, and would refuse the error page too.
      this.#response.statusMessage = '';
      this.#fail(error instanceof AnswerError ? error : new AnswerError((error as Error).message));
      return;
    }
    this.#answer = { status, headersMs };
    // No more of the body than an upstream wants that has turned it down: writing on would cut its answer off.
    if (!this.#request.complete && (status >= 400 || !this.#upstream.shouldKeepAlive)) {
      this.#stopBody();
      this.#request.resume(); // read and dropped, so that the client's connection can serve his next request
    }
    incoming.on('data', this.#onData).once('end', this.#onEnd).once('error', this.#onError);
    // Headers wait for the first bytes of the body, to go in one packet; but only if those have come already.
    process.nextTick(this.#flushHead);
  };

  readonly #flushHead = (): void => {
    if (this.#isSettled || this.#incoming?.complete) return;
    // flushHeaders() would send bytes above 0x7f as UTF-8 for each of them.
    if (!this.#hasWritten) this.#response.write(NOTHING, 'latin1');
    this.#bodySilence = setTimeout(this.#onBodySilence, this.#limits.bodyIdleTimeoutMs);
  };

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isSettled) return;
    this.#hasWritten = true;
    this.#bodySilence?.refresh();
    if (this.#response.write(chunk)) return;
    this.#incoming?.pause();
    this.#response.once('drain', () => {
      this.#bodySilence?.refresh(); // until now it was the client who did not read
      this.#incoming?.resume();
    });
  };

  readonly #onEnd = (): void => {
    if (this.#isSettled || !this.#answer || !this.#incoming) return;
    this.#hasWritten = true;
    const trailers = passableTrailers(this.#incoming.rawTrailers);
    if (trailers.length > 0) this.#response.addTrailers(trailers);
    this.#response.end();
    this.#settle({ kind: 'answered', ...this.#answer });
  };

  // Ends

  readonly #onError = (error: Error): void => {
    // What comes after the end of an answer spoils the connection, and not the answer.
    if (!this.#incoming?.complete || !this.#answer) this.#fail(error);
  };

  /** The net below all others: nothing may be left waiting once the connection is gone. */
  readonly #onUpstreamGone = (): void => {
    if (!this.#isSettled) this.#fail(new Error('the connection ended')); // an error's stack costs more than the rest
  };

  readonly #onBodySilence = (): void => {
    const received = this.#incoming?.socket.bytesRead;
    setImmediate(() => {
      if (this.#isSettled) return;
      const isClientSlow = this.#incoming?.isPaused();
      if (isClientSlow || this.#incoming?.socket.bytesRead !== received) this.#bodySilence?.refresh();
      else this.#fail(new DeadlineError('the answer stopped'));
    });
  };

  readonly #onClientGone = (): void => {
    const waitedMs = performance.now() - this.#owedSinceMs;
    const isOwed = !this.#answer && !this.#isUploading();
    this.#settle({ kind: 'cancelled', hasGivenUp: isOwed && waitedMs >= this.#limits.giveUpAfterMs });
  };

  readonly #onDeadline = (): void => {
    // While the client is slow to send, the server's own limits on requests end that.
    if (this.#isUploading()) {
      this.#deadline.refresh();
      return;
    }
    // What has come while this process was busy is read first: its own slowness is not the upstream's.
    setImmediate(() => {
      if (!this.#answer) this.#fail(new DeadlineError('no answer in time'));
    });
  };

  #fail(error: Error): void {
    if (this.#isSettled) return;
    if (this.#answer) {
      this.#settle({ kind: 'broken', ...this.#answer });
      // To an HTTP/1.0 client without a length, the end of the connection is the end of the answer: only a reset is not.
      const hasEnd =
        this.#response.chunkedEncoding || this.#incoming?.headers['content-length'] !== undefined;
      if (!hasEnd) this.#response.socket?.resetAndDestroy();
      this.#response.destroy(); // he must not take half an answer for a whole one
      return;
    }
    const failure = this.#isConnected ? answerFailureOf(error) : connectFailureOf(error);
    this.#settle({ kind: 'failed', failure, error });
  }

  #settle(outcome: ForwardOutcome): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#deadline);
    if (this.#connecting) clearTimeout(this.#connecting);
    if (this.#bodySilence) clearTimeout(this.#bodySilence);
    this.#response.off('close', this.#onClientGone);
    if (!this.#upstream.writableEnded) {
      this.#stopBody();
      if (outcome.kind === 'answered') this.#request.resume();
    }
    // A whole answer to a whole request leaves the connection to the next one.
    if (outcome.kind !== 'answered' || !this.#upstream.writableEnded) this.#upstream.destroy();
    this.#done({ outcome, isUnsent: !this.#isHeadOut });
  }
}

/** Passes a `103 Early Hints` on. Node 22 cannot, so that hints end here. */
function passHints(response: ServerResponse, headers: string[]): void {
  if (typeof response.writeInformation === 'function') response.writeInformation(103, headers);
}
