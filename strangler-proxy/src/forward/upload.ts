import type { ClientRequest, IncomingMessage } from 'node:http';
import { hasBody } from './data-plane.ts';
import { passableTrailers } from './domain/passable-trailers.ts';

const NOTHING = '';

export interface UploadOptions {
  readonly request: IncomingMessage;
  /** Just started, nothing written. */
  readonly upstreamRequest: ClientRequest;
  /** The head is out, as a whole. */
  readonly onHeadOut: () => void;
  /** All of the request is out. */
  readonly onSent: () => void;
}

/** A request's way to an upstream: its head, its body as it comes, and its trailers. */
export class Upload {
  readonly #request: IncomingMessage;
  readonly #upstream: ClientRequest;
  readonly #options: UploadOptions;
  /** When the upstream was given something to do last: the last byte that it could read, or the start. */
  lastByteAtMs = performance.now();
  #isStopped = false;

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#request = options.request;
    this.#upstream = options.upstreamRequest;
    if (hasBody(this.#request)) {
      // The head goes first, so that the upstream can turn a body down before it comes. Only when it is out is the body
      // read: until then all can be done again.
      this.#upstream.write(NOTHING, 'latin1', this.#onHeadOut);
    } else {
      this.#upstream.end(this.#onSent);
    }
  }

  /** True while it is the client's turn to send. */
  get isClientsTurn(): boolean {
    return hasBody(this.#request) && !this.#request.complete && !this.#upstream.writableNeedDrain;
  }

  /** True once nothing more will be written. */
  get hasEnded(): boolean {
    return this.#upstream.writableEnded;
  }

  /** Sends no more of the body. What is left of it waits, for another try or for the end of the request. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#request.off('data', this.#onData).off('end', this.#onEnd);
    this.#upstream.off('drain', this.#resume);
    this.#request.pause();
  }

  /** Sends no more, and reads what is left into the void, so that the client's connection can serve his next request. */
  drop(): void {
    this.stop();
    this.#request.resume();
  }

  readonly #onHeadOut = (error?: Error | null): void => {
    if (error || this.#isStopped) return; // an error's own event says more
    this.#options.onHeadOut();
    this.#request.on('data', this.#onData).once('end', this.#onEnd).resume();
    if (this.#request.readableEnded) this.#onEnd();
  };

  readonly #onData = (chunk: Buffer): void => {
    this.lastByteAtMs = performance.now();
    if (this.#upstream.write(chunk)) return;
    this.#request.pause();
    this.#upstream.once('drain', this.#resume);
  };

  readonly #resume = (): void => {
    this.#request.resume();
  };

  readonly #onEnd = (): void => {
    if (this.#upstream.destroyed || this.#upstream.writableEnded) return;
    const trailers = passableTrailers(this.#request.rawTrailers);
    if (trailers.length > 0) this.#upstream.addTrailers(trailers);
    this.#upstream.end(this.#onSent);
  };

  readonly #onSent = (error?: Error | null): void => {
    if (error) return; // its own event says more
    this.lastByteAtMs = performance.now();
    this.#options.onHeadOut();
    this.#options.onSent();
  };
}
