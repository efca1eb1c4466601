import { CodedError } from '@banyan/kit';

/** Why the feed cannot carry a table. */
export type SourceTableProblemCode =
  | 'missing'
  /** The name is not `schema.table`, or has a point inside. */
  | 'name'
  /** A view, a foreign table, a sequence ... */
  | 'not-a-table'
  /** PostgreSQL's own, or Banyan's. */
  | 'system'
  /** One of several partitions: the feed carries their root. */
  | 'partition'
  /** Its changes are not in the WAL. */
  | 'unlogged'
  | 'no-primary-key'
  /** The primary key has a generated column, which the WAL leaves out. */
  | 'generated-key'
  /** Old rows in the WAL lack the primary key. */
  | 'replica-identity'
  /** Every UPDATE and DELETE of it would fail while it is in a publication. */
  | 'unwritable'
  /** Whether it would be `unwritable` cannot be tried, for lack of rights. */
  | 'untried'
  /** A column's name that no row can be told with. */
  | 'column-name'
  /** The database does not say in which encoding its text is. */
  | 'encoding'
  /** Columns that the role may not read. */
  | 'unreadable'
  /** Row security hides rows from the role. */
  | 'hidden-rows'
  /** A publication takes tables only from their owner. */
  | 'not-owner'
  /** The publication has it with a row filter or a column list. */
  | 'narrowed'
  /** Another table of the feed has the same topic. */
  | 'topic-taken'
  /** Debezium would fail of it, and not recover. */
  | 'name-for-debezium'
  | 'columns-for-debezium'
  /** Kafka does not take a record of it; it was taken out of the feed for that. */
  | 'record-too-large'
  /** It is named as the outbox, and has not the columns of one. */
  | 'not-an-outbox'
  | 'in-use';

/** One table that cannot be in the feed, why, and what to do. */
export interface SourceTableProblem {
  readonly table: string;
  readonly problem: SourceTableProblemCode;
  /** What was found, beyond the problem's own text. */
  readonly found?: string;
  /** SQL (or words) that mend it. */
  readonly remedy?: string;
}

const texts: Readonly<Record<SourceTableProblemCode, string>> = {
  missing: 'there is no such table',
  name: 'a table is named schema.table, each as it is, without quotes, and with no point inside',
  'not-a-table': 'it is not a table',
  system: 'it is not a table of the application',
  partition: 'it is a partition; the feed carries partitions through their root',
  unlogged: 'it is unlogged, so that its changes are not in the WAL',
  'no-primary-key': 'it has no primary key',
  'generated-key': 'its primary key has a generated column, which the feed does not carry',
  'replica-identity':
    'old rows in the WAL do not hold its primary key, so that nobody can tell which row was deleted',
  unwritable: 'in the feed, UPDATE and DELETE of it would fail in the application',
  untried:
    'whether it would still take UPDATE and DELETE in the feed cannot be tried without the rights to both',
  'column-name':
    'it has a column whose name means something else to JavaScript, so that its values would be lost',
  encoding: 'the database is SQL_ASCII: nobody knows in which encoding its text is',
  unreadable: 'not all of its columns may be read',
  'hidden-rows': 'row security hides rows from the role that reads it',
  'not-owner': 'the role does not own it, and only an owner can put a table into a publication',
  narrowed: 'the publication carries only some of its rows or columns',
  'topic-taken':
    'another table of the feed has the same topic: in topics many characters are `_`, and `.` counts as `_`',
  'name-for-debezium':
    'with white space, a quote or a comma in its name Debezium can take no table snapshot of it',
  'columns-for-debezium': 'it has columns that differ by case alone, and Debezium ends when it meets one',
  'record-too-large': 'Kafka does not take a record of it, so it was taken out of the feed',
  'not-an-outbox': 'it cannot be the outbox of OUTBOX_TABLE',
  'in-use': 'writers kept it locked the whole time; end their transactions or try again when it is quieter',
};

/** Tables that cannot be in the feed: all of them at once. */
export class SourceTableError extends CodedError<'source-tables-unfit'> {
  readonly problems: readonly SourceTableProblem[];

  constructor(problems: readonly SourceTableProblem[]) {
    super('source-tables-unfit', `The feed cannot carry:\n${problems.map(toLine).join('\n')}`);
    this.problems = problems;
  }
}

function toLine({ table, problem, found, remedy }: SourceTableProblem): string {
  const what = `  - ${table}: ${texts[problem]}${found ? ` (${found})` : ''}`;
  return remedy ? `${what}. To mend it: ${remedy}` : what;
}
