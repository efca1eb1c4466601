import { CodedError, type ErrorDetails } from '@banyan/kit';

/** What a failure means for whoever asked. The API makes a status of it. */
export type FailureKind =
  /** The request itself is wrong. */
  | 'invalid'
  /** It names something that is not there. */
  | 'unknown'
  /** It is understood, and not done as things stand. */
  | 'refused'
  /** A service was asked, and failed. */
  | 'service-failed'
  /** Something that is needed for it does not work now. */
  | 'unavailable';

/** A failure of the control plane that was foreseen: it is told with its evidence, and commands to try. */
export class ControlError<Code extends string = string> extends CodedError<Code> {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, code: Code, message: string, details?: ErrorDetails) {
    super(code, message, details);
    this.kind = kind;
  }
}
