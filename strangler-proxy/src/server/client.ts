import type { IncomingMessage, ServerResponse } from 'node:http';
import type { UpstreamAnswer, Waiter } from '../forward/data-plane.ts';
import type { ForwardOutcome } from '../forward/domain/forward-outcome.ts';
import { clientResponseHeaders } from './answer-head.ts';
import { sendProblem, type ProblemPage } from './error-page.ts';
import { sendAnswer } from './send-answer.ts';

/** One client's request, and the way to answer it: nothing else writes to his connection. */
export class Client implements Waiter {
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  onGone: (() => void) | null = null;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.#response = response;
    response.once('close', () => {
      if (!response.writableEnded) this.onGone?.();
    });
  }

  /** True once his connection is no more. */
  get isGone(): boolean {
    return this.#response.destroyed;
  }

  /** Passes `100 Continue` and `103 Early Hints` on; headers are name, value, name, value. */
  readonly inform = (status: number, headers: readonly string[]): void => {
    const { httpVersion, headers: asked } = this.request;
    if (this.#response.headersSent || httpVersion === '1.0') return;
    // A 100 that the client did not ask for means nothing to him, and not every client gets over it.
    if (status === 100 && asked.expect !== undefined) this.#response.writeContinue();
    // Node 22 cannot, so that hints end here.
    if (status === 103 && typeof this.#response.writeInformation === 'function') {
      this.#response.writeInformation(103, clientResponseHeaders(headers, []));
    }
  };

  /**
   * Sends an upstream's answer, all of it.
   *
   * @param extra Headers to add; name, value, name, value.
   * @returns How it ended. Never rejects.
   */
  send(answer: UpstreamAnswer, extra: readonly string[] = []): Promise<ForwardOutcome> {
    return sendAnswer(answer, { request: this.request, response: this.#response, extra });
  }

  /** Answers in the proxy's own name. */
  sendProblem(page: ProblemPage): void {
    sendProblem(this.request, this.#response, page);
  }
}
