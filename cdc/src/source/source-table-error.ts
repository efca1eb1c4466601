/** One table that cannot be in the feed, and why. */
export interface SourceTableProblem {
  readonly table: string;
  readonly problem: 'missing' | 'no-primary-key' | 'replica-identity' | 'in-use';
}

const texts: Readonly<Record<SourceTableProblem['problem'], string>> = {
  missing: 'there is no such ordinary table',
  'no-primary-key': 'it has no primary key; add one',
  'replica-identity':
    'its replica identity is an index or nothing; set it to DEFAULT: ALTER TABLE ... REPLICA IDENTITY DEFAULT',
  'in-use': 'writers kept it locked the whole time; end their transactions or try again when it is quieter',
};

/** Tables that cannot be in the feed: all of them at once. */
export class SourceTableError extends Error {
  readonly code = 'source-tables-unfit';
  override readonly name = 'SourceTableError';
  readonly problems: readonly SourceTableProblem[];

  constructor(problems: readonly SourceTableProblem[]) {
    const lines = problems.map(({ table, problem }) => `  - ${table}: ${texts[problem]}`);
    super(`The feed cannot carry:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}
