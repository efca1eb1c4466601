/** What an error may say besides its message. */
export interface ErrorDetails {
  /** What was found, a line each. Default: nothing. */
  readonly evidence?: readonly string[] | undefined;
  /** Commands to try, most useful first. Default: none. */
  readonly nextSteps?: readonly string[] | undefined;
  readonly cause?: unknown;
}

/**
 * An error that programs tell by its stable `code`, and people by its message, evidence and next commands. A class of its
 * own for each kind of failure extends it; the error is named after that class.
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly evidence: readonly string[];
  readonly nextSteps: readonly string[];

  constructor(code: Code, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.evidence = details.evidence ?? [];
    this.nextSteps = details.nextSteps ?? [];
  }
}

/** The code of an error of whatever class and realm, Node's and drivers' included; null without one. */
export function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** What an error says, for people. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
