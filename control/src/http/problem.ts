import { CONTROL_SCHEMA_VERSION, type Problem } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { ControlError, type FailureKind } from '../control-error.ts';

/** A request that is not what the address takes: every mistake at once. */
export class InvalidRequestError extends ControlError<'invalid-request'> {
  constructor(evidence: readonly string[], nextSteps: readonly string[] = ['banyan --help']) {
    super('invalid', 'invalid-request', 'The request is not valid; nothing was done.', {
      evidence,
      nextSteps,
    });
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
      'admin: GET /v1/status, /v1/slices, /v1/slices/:name, /v1/slices/:name/quarantine, /v1/slices/:name/verification, /v1/explain, /v1/journal, /v1/catalog?tables=; POST /v1/slices/:name/{advance|pause|resume|rollback|route|resync|verify}, /v1/slices/:name/quarantine/{retry|skip}, /v1/outbox/readmit',
      'peers: GET /v1/routes, /v1/routes/stream; POST /v1/proxies/report, /v1/caught-up',
      'open: GET /healthz, /metrics',
    ],
    nextSteps: ['banyan status'],
  });
};

const STATUS: Readonly<Record<FailureKind, number>> = {
  invalid: 400,
  unknown: 404,
  refused: 409,
  'service-failed': 502,
  unavailable: 503,
};

function partsOf(error: unknown): ProblemParts | null {
  if (!isControlError(error)) return fromBodyParser(error);
  const { kind, code, message, evidence, nextSteps } = error;
  return { status: STATUS[kind], code, message, evidence, nextSteps };
}

/** Of whatever code. */
function isControlError(error: unknown): error is ControlError {
  return error instanceof ControlError;
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
export function answerErrors(
  log: Logger,
  translate: (error: unknown) => ControlError | null,
): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const parts = partsOf(translate(error) ?? error);
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
