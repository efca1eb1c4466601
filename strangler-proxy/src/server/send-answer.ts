import type { IncomingMessage, ServerResponse } from 'node:http';
import type { UpstreamAnswer } from '../forward/data-plane.ts';
import { passableTrailers } from '../forward/domain/passable-trailers.ts';
import type { ForwardOutcome } from '../forward/domain/forward-outcome.ts';
import { answerHeaders, fieldOf } from './answer-head.ts';

const NOTHING = '';

interface Way {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Headers to add; name, value, name, value. */
  readonly extra: readonly string[];
}

/** Writes one answer to a client, its body as it comes and as fast as he reads. */
class AnswerWriter {
  readonly #answer: UpstreamAnswer;
  readonly #response: ServerResponse;
  readonly #done: (outcome: ForwardOutcome) => void;
  #hasWritten = false;
  #isOver = false;

  constructor(answer: UpstreamAnswer, response: ServerResponse, done: (outcome: ForwardOutcome) => void) {
    this.#answer = answer;
    this.#response = response;
    this.#done = done;
    response.once('close', this.#onClientGone);
    answer.body.on('data', this.#onData).once('end', this.#onEnd).once('error', this.#onBroken);
    // Headers wait for the first bytes of the body, to go in one packet; but only if those have come already.
    process.nextTick(this.#flushHead);
  }

  readonly #flushHead = (): void => {
    if (this.#isOver || this.#hasWritten || this.#answer.isComplete) return;
    // flushHeaders() would send bytes above 0x7f as UTF-8 for each of them.
    this.#response.write(NOTHING, 'latin1');
  };

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isOver) return;
    this.#hasWritten = true;
    if (this.#response.write(chunk)) return;
    this.#answer.body.pause();
    this.#response.once('drain', this.#onDrain);
  };

  readonly #onDrain = (): void => {
    this.#answer.body.resume();
  };

  readonly #onEnd = (): void => {
    if (this.#isOver) return;
    endWith(this.#response, this.#answer);
    this.#end({ kind: 'answered', ...figuresOf(this.#answer) });
  };

  /** He must not take half an answer for a whole one. */
  readonly #onBroken = (): void => {
    if (this.#isOver) return;
    this.#end({ kind: 'broken', ...figuresOf(this.#answer) });
    const response = this.#response;
    // To an HTTP/1.0 client without a length, the end of the connection is the end of the answer: only a reset is not.
    const hasEnd = response.chunkedEncoding || fieldOf(this.#answer.headers, 'content-length') !== undefined;
    if (!hasEnd) response.socket?.resetAndDestroy();
    response.destroy();
  };

  readonly #onClientGone = (): void => {
    if (this.#isOver) return;
    this.#end({ kind: 'cancelled', hasGivenUp: false });
    this.#answer.body.destroy();
  };

  #end(outcome: ForwardOutcome): void {
    this.#isOver = true;
    this.#response.off('close', this.#onClientGone);
    this.#done(outcome);
  }
}

const figuresOf = ({ status, headersMs }: UpstreamAnswer): { status: number; headersMs: number } => ({
  status,
  headersMs,
});

/** @param last The end of the body; nothing where that is out. */
function endWith(response: ServerResponse, answer: UpstreamAnswer, last?: Buffer | null): void {
  const trailers = passableTrailers(answer.trailers);
  if (trailers.length > 0) response.addTrailers(trailers);
  if (last) response.end(last);
  else response.end();
}

/**
 * Writes an upstream's answer to a client.
 *
 * @returns How it ended: `answered`, `broken`, `cancelled`, or `failed` for one that Node will not write; of that one
 * nothing is out. Never rejects.
 */
export function sendAnswer(
  answer: UpstreamAnswer,
  { request, response, extra }: Way,
): Promise<ForwardOutcome> {
  if (response.destroyed) {
    answer.body.destroy();
    return Promise.resolve({ kind: 'cancelled', hasGivenUp: false });
  }
  if (answer.body.destroyed && !answer.isComplete) {
    const error = new Error('the answer ended with its headers');
    return Promise.resolve({ kind: 'failed', failure: 'reset', error });
  }
  try {
    response.writeHead(answer.status, answer.statusText, answerHeaders(answer, request, extra));
  } catch (error) {
    response.statusMessage = ''; // Node keeps a reason phrase that it refuses, and would refuse the error page too
    answer.body.destroy();
    return Promise.resolve({ kind: 'failed', failure: 'protocol', error: error as Error });
  }
  if (answer.isComplete) {
    endWith(response, answer, answer.body.read() as Buffer | null); // most answers: all at once
    return Promise.resolve({ kind: 'answered', ...figuresOf(answer) });
  }
  return new Promise((done) => {
    new AnswerWriter(answer, response, done);
  });
}
