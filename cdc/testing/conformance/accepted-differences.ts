import { leftOutBy } from '@banyan/contracts';
import { isDeepStrictEqual } from 'node:util';
import type { Difference } from './compare-records.ts';
import { TYPES_TABLE, typeColumns } from './conformance-cases.ts';

/** A way in which Debezium's records are not those of the embedded reader, and why that may be. */
export interface AcceptedDifference {
  readonly what: string;
  readonly debezium: string;
  readonly embedded: string;
  readonly reason: string;
  readonly accepts: (difference: Difference) => boolean;
}

/** What the reference page shows and the suite accepts: all of these have to occur, nothing else may. */
export const acceptedDifferences: readonly AcceptedDifference[] = [
  {
    what: '`source.version`',
    debezium: "Debezium's",
    embedded: "the reader's",
    reason: 'it tells who read',
    accepts: ({ field }) => field === 'source.version',
  },
  {
    what: 'headers `__debezium.context.*`',
    debezium: 'present',
    embedded: 'absent',
    reason: "they name the connector's task and run",
    accepts: ({ field, embedded }) =>
      field.startsWith('headers.__debezium.context.') && embedded === undefined,
  },
  {
    what: '`source.snapshot` while streaming',
    debezium: '`null`',
    embedded: '`"false"`',
    reason: 'what `replace.null.with.default=false` does to a default; consumers take both',
    accepts: ({ field, embedded, debezium }) =>
      field === 'source.snapshot' && embedded === 'false' && debezium === null,
  },
  {
    what: '`source.sequence` of a row of a table snapshot',
    debezium: 'where its stream was',
    embedded: '`null`',
    reason: 'it is no position of the row; consumers go by offsets',
    accepts: ({ field, isRead, embedded }) => isRead && field === 'source.sequence' && embedded === null,
  },
  {
    what: '`before` of a delete under replica identity DEFAULT or by an index',
    debezium:
      'for columns that are NOT NULL the default, or a placeholder (`""`, 0, `false`), beside the key',
    embedded: '`null` beside the key',
    reason: 'neither is the old value; consumers take the key alone',
    accepts: ({ field, op, embedded, debezium }) =>
      op === 'd' && field.startsWith('before.') && embedded === null && debezium !== undefined,
  },
  {
    what: '`before` of an update under a replica identity by an index, one of whose columns changed',
    debezium: "the index's columns, placeholders beside them",
    embedded: '`null`',
    reason: 'it is not the old row; consumers take `after` alone',
    accepts: ({ table, field, op, embedded }) =>
      table === 'public.identities' &&
      op === 'u' &&
      (field === 'before' ? embedded === null : field.startsWith('before.') && embedded === undefined),
  },
  {
    what: 'a long value that a statement left as it is',
    debezium:
      '`__debezium_unavailable_value`, in a form that depends on the type (`leftOutBy` of `@banyan/contracts`)',
    embedded: 'the value, from the old row or read again by a snapshot that sees the change',
    reason:
      "Debezium's own re-read does not wait until the change can be seen, and gave old values to new rows; a copy keeps the value that it has, or holds the record until its row was read again",
    accepts: ({ op, field, debezium }) =>
      (op === 'c' || op === 'u') && field.startsWith('after.') && leftOutBy({})('', debezium),
  },
];

/** The column whose type's difference this is, as `docs/reference/envelope-types.md` tells them one by one; else null. */
export function typeDifference({ table, field, isRead, debezium }: Difference): string | null {
  if (table !== TYPES_TABLE) return null;
  const [block, column] = field.split('.');
  const one = typeColumns.find((each) => each.column === column);
  if (!one?.differs || (block !== 'after' && block !== 'before')) return null;
  const told = isRead && 'debeziumRead' in one ? one.debeziumRead : one.debezium;
  return isDeepStrictEqual(debezium, told) ? one.column : null;
}
