import { CodedError } from '@banyan/kit';

/**
 * Exit codes of every command:
 * 0 done · 1 refused by a gate, or not yet · 2 the command line or the request is wrong ·
 * 3 the environment needs fixing (nothing runs, a port is taken, no answer) · 130 interrupted
 */
export type ExitCode = 0 | 1 | 2 | 3 | 130;

/** A failure for people and for programs: cause, evidence and the next command. */
export class CommandError extends CodedError {
  readonly exitCode: ExitCode;

  constructor(details: {
    readonly code: string;
    readonly message: string;
    readonly evidence?: readonly string[];
    /** Commands to try, most useful first. */
    readonly nextSteps: readonly string[];
    readonly exitCode: ExitCode;
    readonly cause?: unknown;
  }) {
    super(details.code, details.message, details);
    this.exitCode = details.exitCode;
  }
}
