import { CodedError } from '@banyan/kit';

/** A table snapshot will never be complete; a person has to look at the table. */
export class TableSnapshotFailedError extends CodedError<'table-snapshot-failed'> {
  constructor(slice: string, failed: readonly string[], stopped: readonly string[]) {
    const causes = [
      ...(failed.length > 0
        ? [`the table snapshot of ${failed.join(', ')} failed: is the table gone, or without a primary key?`]
        : []),
      ...(stopped.length > 0
        ? [`the table snapshot of ${stopped.join(', ')} was stopped through banyan.signal.`]
        : []),
    ];
    super(
      'table-snapshot-failed',
      `${causes.join(' ')} Fix it, then run: banyan rollback ${slice} --reason "table snapshot failed", banyan advance ${slice}`,
    );
  }
}
