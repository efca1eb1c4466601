import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { watchBodySilence } from './body-silence.ts';
import type { ForwardOptions, NoAnswer, UpstreamAnswer } from './data-plane.ts';
import { Upload } from './upload.ts';
import { AnswerError, answerFailureOf, connectFailureOf, DeadlineError } from './upstream-failure.ts';

/** What came of one try. */
export interface TryResult {
  readonly reply: UpstreamAnswer | NoAnswer;
  /** True when no connection came to be, so that the upstream saw nothing. */
  readonly isUnconnected: boolean;
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
  /** Just started, nothing written. */
  readonly upstreamRequest: ClientRequest;
  readonly isTls: boolean;
  readonly options: ForwardOptions;
  readonly limits: ExchangeLimits;
  /** Called once: with the answer when its headers are there, or with why there is none. */
  readonly onResult: (result: TryResult) => void;
  /** Called once, when the upstream is done with it. */
  readonly onOver: () => void;
}

/** Node would not pass it on, either (RFC 9112 4). */
const NOT_IN_REASON = /[^\t\x20-\x7e\x80-\xff]/;

/** An answer as Node's client has it. A class: it is made for every request, and getters of a literal are slow to make. */
class IncomingAnswer implements UpstreamAnswer {
  readonly kind = 'answer';
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly string[];
  readonly headersMs: number;
  readonly body: IncomingMessage;

  constructor(incoming: IncomingMessage, headersMs: number) {
    this.status = incoming.statusCode ?? 0;
    this.statusText = incoming.statusMessage ?? '';
    this.headers = incoming.rawHeaders;
    this.headersMs = headersMs;
    this.body = incoming;
  }

  get isComplete(): boolean {
    return this.body.complete;
  }

  get trailers(): readonly string[] {
    return this.body.rawTrailers;
  }
}

/** One try: a request sent to one upstream, until its answer's headers, and what is left to do until its end. */
export class Exchange {
  readonly #upstream: ClientRequest;
  readonly #upload: Upload;
  readonly #settings: ExchangeOptions;
  readonly #startedAtMs = performance.now();
  readonly #deadline: NodeJS.Timeout;
  #connecting: NodeJS.Timeout | null = null;
  #isConnected = false;
  #isHeadOut = false;
  /** Set once the answer's headers are there. */
  #incoming: IncomingMessage | null = null;
  #endSilenceWatch: (() => void) | null = null;
  #hasResult = false;
  #isOver = false;

  constructor(settings: ExchangeOptions) {
    const { request, upstreamRequest, isTls, options } = settings;
    this.#settings = settings;
    this.#upstream = upstreamRequest;
    this.#deadline = setTimeout(this.#onDeadline, options.deadlineMs);
    options.waiter.onGone = this.#onClientGone;
    upstreamRequest
      .once('socket', (socket) => this.#onSocket(socket, isTls))
      .on('information', this.#onInformation)
      .once('response', this.#onAnswer)
      .once('upgrade', () => this.#fail(new AnswerError('the upstream changed the protocol, unasked')))
      .on('error', this.#fail)
      .once('close', this.#onUpstreamGone);
    this.#upload = new Upload({
      request,
      upstreamRequest,
      onHeadOut: () => (this.#isHeadOut = true),
      onSent: this.#onSent,
    });
  }

  #onSocket(socket: Socket, isTls: boolean): void {
    this.#isConnected = this.#upstream.reusedSocket;
    if (this.#isConnected || this.#hasResult) return;
    // Bytes above 0x7f in a head go out as they came (RFC 9110 5.5): Node writes some heads without an encoding.
    socket.setDefaultEncoding('latin1');
    const error = new DeadlineError('no connection in time');
    this.#connecting = setTimeout(() => this.#fail(error), this.#settings.limits.connectTimeoutMs);
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      this.#isConnected = true;
      if (this.#connecting) clearTimeout(this.#connecting);
    });
  }

  readonly #onSent = (): void => {
    // The upstream owes an answer from the request's end on. A timer that was cleared must not start again.
    if (!this.#hasResult) this.#deadline.refresh();
  };

  readonly #onInformation = (information: { statusCode: number; rawHeaders: string[] }): void => {
    if (!this.#hasResult) {
      this.#settings.options.onInformation?.(information.statusCode, information.rawHeaders);
    }
  };

  readonly #onAnswer = (incoming: IncomingMessage): void => {
    if (this.#hasResult) return;
    const { statusCode: status = 0, statusMessage: statusText = '' } = incoming;
    if (status < 200) {
      this.#fail(new AnswerError(`the upstream answered with the status ${status}`));
      return;
    }
    if (NOT_IN_REASON.test(statusText)) {
      this.#fail(new AnswerError('the upstream answered with a reason phrase that is no text'));
      return;
    }
    this.#incoming = incoming;
    // No more of the body than an upstream wants that has turned it down: writing on would cut its answer off.
    if (!this.#settings.request.complete && (status >= 400 || !this.#upstream.shouldKeepAlive)) {
      this.#upload.drop();
    }
    if (!this.#upload.hasEnded) incoming.once('end', this.#onEarlyEnd);
    process.nextTick(this.#watchSilence); // most bodies come in one packet with the head
    this.#finish(new IncomingAnswer(incoming, performance.now() - this.#startedAtMs));
  };

  readonly #watchSilence = (): void => {
    const incoming = this.#incoming;
    if (!incoming || incoming.complete || this.#isOver) return;
    this.#endSilenceWatch = watchBodySilence(incoming, this.#settings.limits.bodyIdleTimeoutMs);
  };

  /** The answer ended before the request did: only a whole one leaves the connection to the next. */
  readonly #onEarlyEnd = (): void => {
    if (this.#upload.hasEnded) return;
    this.#upload.drop();
    this.#upstream.destroy();
  };

  /** The net below all others: nothing may be left waiting once the connection is gone. */
  readonly #onUpstreamGone = (): void => {
    this.#isOver = true;
    this.#endSilenceWatch?.();
    if (!this.#hasResult) this.#fail(new Error('the connection ended')); // an error's stack costs more than the rest
    const incoming = this.#incoming;
    if (incoming && !incoming.complete) incoming.destroy(new Error('the connection ended'));
    if (!this.#upload.hasEnded) this.#upload.stop();
    this.#settings.onOver();
  };

  readonly #onClientGone = (): void => {
    const waitedMs = performance.now() - this.#upload.lastByteAtMs;
    const hasGivenUp = !this.#upload.isClientsTurn && waitedMs >= this.#settings.limits.giveUpAfterMs;
    this.#end({ kind: 'cancelled', hasGivenUp });
  };

  readonly #onDeadline = (): void => {
    // While the client is slow to send, the server's own limits on requests end that.
    if (this.#upload.isClientsTurn) {
      this.#deadline.refresh();
      return;
    }
    // What has come while this process was busy is read first: its own slowness is not the upstream's.
    setImmediate(() => {
      if (!this.#hasResult) this.#fail(new DeadlineError('no answer in time'));
    });
  };

  readonly #fail = (error: Error): void => {
    if (this.#hasResult) {
      // What comes after the end of an answer spoils the connection, and not the answer.
      if (this.#incoming && !this.#incoming.complete) this.#incoming.destroy(error);
      return;
    }
    const failure = this.#isConnected ? answerFailureOf(error) : connectFailureOf(error);
    this.#end({ kind: 'failed', failure, error });
  };

  #end(reply: NoAnswer): void {
    if (this.#hasResult) return;
    if (!this.#upload.hasEnded) this.#upload.stop();
    this.#finish(reply);
    this.#upstream.destroy();
  }

  #finish(reply: UpstreamAnswer | NoAnswer): void {
    this.#hasResult = true;
    clearTimeout(this.#deadline);
    if (this.#connecting) clearTimeout(this.#connecting);
    this.#settings.options.waiter.onGone = null;
    this.#settings.onResult({ reply, isUnconnected: !this.#isConnected, isUnsent: !this.#isHeadOut });
  }
}
