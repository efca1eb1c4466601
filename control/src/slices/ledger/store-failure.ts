import { messageOf } from '../../loop.ts';

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

/** @throws Error `no answer within N ms` when `answer` takes longer; it goes on. */
export async function within<T>(deadlineMs: number, answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new LateError(deadlineMs)), deadlineMs);
  });
  answer.catch(() => undefined); // when it fails after its time, whoever wants to know has kept it
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The answer did not come in time; it may still come. */
export class LateError extends Error {
  readonly code = 'late';
  override readonly name = 'LateError';

  constructor(deadlineMs: number) {
    super(`no answer within ${deadlineMs} ms`);
  }
}
