import { messageOf } from '@banyan/kit';
import { ControlError } from '../../control-error.ts';

/** The store cannot be written: what was asked for was not done. */
export class StoreUnwritableError extends ControlError<'store-unwritable'> {
  /** @param finding What the store said. */
  constructor(finding: string, options: { readonly cause?: unknown } = {}) {
    super(
      'unavailable',
      'store-unwritable',
      'The store of the control plane cannot be written; nothing was done.',
      {
        evidence: [finding],
        nextSteps: ['banyan status', 'banyan doctor'],
        cause: options.cause,
      },
    );
  }
}

/** What a store's error says, without the statement, whose values may be long. */
export function storeFinding(error: unknown): string {
  const text = messageOf(error);
  const at = text.lastIndexOf('SQLITE_');
  return at < 0 ? text : text.slice(at);
}
