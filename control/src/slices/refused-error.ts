import { ControlError } from '../control-error.ts';
import type { RefusalCode } from './domain/transitions.ts';

/** A command that was refused: every reason at once, and commands to try. */
export class RefusedError extends ControlError<
  RefusalCode | 'epoch-conflict' | 'outbox-in-feed' | 'no-outbox'
> {
  constructor(
    message: string,
    refusal: {
      readonly code: RefusalCode | 'epoch-conflict' | 'outbox-in-feed' | 'no-outbox';
      readonly reasons: readonly string[];
      readonly nextSteps: readonly string[];
    },
  ) {
    const { code, reasons: evidence, nextSteps } = refusal;
    super('refused', code, message, { evidence, nextSteps });
  }
}
