import { messageOf } from '@banyan/kit';

/** The store cannot be written: what was asked for was not done. */
export class StoreUnwritableError extends Error {
  readonly code = 'store-unwritable';
  override readonly name = 'StoreUnwritableError';
  /** What the store said. */
  readonly finding: string;

  constructor(finding: string, options?: ErrorOptions) {
    super('The store of the control plane cannot be written; nothing was done.', options);
    this.finding = finding;
  }
}

/** What a store's error says, without the statement, whose values may be long. */
export function storeFinding(error: unknown): string {
  const text = messageOf(error);
  const at = text.lastIndexOf('SQLITE_');
  return at < 0 ? text : text.slice(at);
}
