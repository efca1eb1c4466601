import { CONTROL_SCHEMA_VERSION, type Problem } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { NoProxyAnswerError } from '../adapters/proxy-explainer.ts';
import { UnknownSliceError } from '../use-cases/managed-slice.ts';
import { NoCompleteCopyError, VerificationRunningError } from '../use-cases/verification-journal.ts';
import { StoreUnwritableError } from '../use-cases/store-failure.ts';
import { RefusedError } from '../use-cases/verb-order.ts';

/** A request that is not what the address takes: every mistake at once. */
export class InvalidRequestError extends Error {
  readonly code = 'invalid-request';
  override readonly name = 'InvalidRequestError';
  readonly findings: readonly string[];
  readonly nextSteps: readonly string[];

  constructor(findings: readonly string[], nextSteps: readonly string[] = ['banyan --help']) {
    super('The request is not valid; nothing was done.');
    this.findings = findings;
    this.nextSteps = nextSteps;
  }
}

interface ProblemParts {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly evidence: readonly string[];
  readonly nextSteps: readonly string[];
}

/** Answers with a problem as the contract describes it. */
export function sendProblem(response: Response, parts: ProblemParts): void {
  const { status, code, message, evidence, nextSteps } = parts;
  const problem: Problem = {
    schema_version: CONTROL_SCHEMA_VERSION,
    error: { code, message, evidence: [...evidence], next_steps: [...nextSteps] },
  };
  response.status(status).json(problem);
}

/** For addresses that do not exist. */
export const unknownAddress: RequestHandler = (request, response) => {
  sendProblem(response, {
    status: 404,
    code: 'not-found',
    message: `There is nothing at ${request.method} ${request.path}.`,
    evidence: [
      'admin, the bus: GET /v1/bus/topics, /v1/bus/groups, /v1/bus/records?topic=',
      'admin: GET /v1/status, /v1/slices, /v1/slices/:name, /v1/slices/:name/quarantine, /v1/slices/:name/verification, /v1/explain, /v1/journal; POST /v1/slices/:name/{advance|pause|resume|rollback|route|resync|verify}, /v1/slices/:name/quarantine/{retry|skip}, /v1/outbox/readmit',
      'peers: GET /v1/routes, /v1/routes/stream; POST /v1/proxies/report, /v1/caught-up',
      'open: GET /healthz, /metrics',
    ],
    nextSteps: ['banyan status'],
  });
};

function partsOf(error: unknown): ProblemParts | null {
  if (error instanceof InvalidRequestError) {
    const { code, message, findings, nextSteps } = error;
    return { status: 400, code, message, evidence: findings, nextSteps };
  }
  if (error instanceof UnknownSliceError) {
    const evidence = [`slices: ${error.slices.join(', ')}`];
    return { status: 404, code: error.code, message: error.message, evidence, nextSteps: ['banyan slices'] };
  }
  if (error instanceof RefusedError) {
    const { code, message, reasons, nextSteps } = error;
    return { status: 409, code, message, evidence: reasons, nextSteps };
  }
  if (error instanceof NoCompleteCopyError || error instanceof VerificationRunningError) {
    const { code, message } = error;
    return { status: 409, code, message, evidence: [], nextSteps: ['banyan status'] };
  }
  if (error instanceof NoProxyAnswerError) {
    const nextSteps = ['banyan status', 'banyan doctor'];
    return { status: 503, code: error.code, message: error.message, evidence: error.findings, nextSteps };
  }
  if (error instanceof StoreUnwritableError) {
    const nextSteps = ['banyan status', 'banyan doctor'];
    return { status: 503, code: error.code, message: error.message, evidence: [error.finding], nextSteps };
  }
  if (isServiceError(error)) {
    const nextSteps = ['banyan status', 'banyan doctor'];
    const message = 'The service could not be asked; nothing is known to have changed.';
    return { status: 502, code: error.code, message, evidence: [error.message], nextSteps };
  }
  return fromBodyParser(error);
}

/** By its code: the adapter that throws it is another package's. */
function isServiceError(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof Error &&
    'code' in error &&
    /^service-(unreachable|refused|answer-invalid)$/.test(String(error.code))
  );
}

/** Errors of express's body parser carry the status that is meant. */
function fromBodyParser(error: unknown): ProblemParts | null {
  if (!(error instanceof Error) || !('type' in error) || !('status' in error)) return null;
  const status = typeof error.status === 'number' && error.status < 500 ? error.status : 400;
  return {
    status,
    code: 'invalid-request',
    message: 'The body could not be read; nothing was done.',
    evidence: [`wanted JSON, got: ${error.message}`],
    nextSteps: ['banyan --help'],
  };
}

/** Turns every error into a problem; what was not foreseen is logged, and told without its inside. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const parts = partsOf(error);
    if (!parts) log.error({ err: error, path: request.path }, 'a request failed');
    sendProblem(
      response,
      parts ?? {
        status: 500,
        code: 'internal',
        message: 'Control could not do this; its log says why.',
        evidence: [],
        nextSteps: ['banyan status', 'banyan doctor'],
      },
    );
  };
}
