import type { RowsReport, SliceDefinition } from '@banyan/contracts';
import { withDeadline } from '@banyan/kit';
import type { CaughtUp } from './caught-up.ts';
import { shownFields } from '../apply/http/answer-ranges.ts';
import type { CompiledTable } from '../rows/mapping.ts';
import type { PostgresSource } from '../capture/feed/postgres-source.ts';
import { hashOf } from '../rows/canonical.ts';
import type { ServiceCopy } from './service-client/copy.ts';
import { differingFields, type Finding, type FindingKind } from '../rows/finding.ts';
import { readVersionedRows, keyText, type BoundedRange, type VersionedRow } from './source-rows.ts';

const MAX_ROUNDS = 5;
const CAUGHT_UP_DEADLINE_MS = 60_000;
/** Rows whose fields are looked at, in one range. */
const FIELDS_OF_ROWS = 10;

export interface JudgeOptions {
  readonly source: Pick<PostgresSource, 'readPage'>;
  readonly copy: Pick<ServiceCopy, 'rows' | 'sync' | 'metTopics' | 'pieces'>;
  readonly slice: SliceDefinition;
  readonly table: CompiledTable;
  readonly caughtUp: CaughtUp;
  readonly targetRows?: number;
  readonly signal: AbortSignal;
}

type SourceRows = ReadonlyMap<string, VersionedRow>;
type TargetRow = RowsReport['rows'][number];

/** A range with rows that are not settled, as of its last look. */
export interface OpenRange {
  /** At the source: few rows, as the walk has cut them. */
  readonly range: BoundedRange;
  /** At the target: the same range, or a part of it where the service holds many more rows. */
  readonly target: { readonly afterKey: string[] | null; readonly toKey: string[] | null };
  /** Keys to be settled, as text. */
  readonly open: readonly string[];
  readonly source: SourceRows;
  /** Keys with the hash of the target's row that the source lacked in the last look, too. */
  readonly suspects: ReadonlySet<string>;
  /** Whose rows are counted: a part of a range has no source rows of its own. */
  readonly counts: 'both' | 'source' | 'target';
}

/** A finding with what a repair needs to know of it. */
export interface SettledFinding extends Finding {
  /** Key values as PostgreSQL's text; null when the source has no such row. */
  readonly sourceKey: readonly string[] | null;
}

/** Rows at either side as of the last look, and what is wrong with them. */
export interface Settled {
  readonly rowsSource: number;
  readonly rowsTarget: number;
  readonly findings: readonly SettledFinding[];
  /** The ranges as of the last look, to be judged once more after a repair; open is what was found. */
  readonly ranges: readonly OpenRange[];
}

/**
 * Looks at open rows again and again until each is settled.
 *
 * The order makes the verdict: the source was read, 1. the copy passes a position taken after that, 2. the copy is
 * read, 3. the source is read again. A source row with the same version in both readings did not change meanwhile, and
 * the copy had to hold it at 2. A row that did change says nothing, and is looked at once more. A row that the source
 * lacked both times has no version; it may have come and gone. So it counts only when two rounds saw the same.
 *
 * @throws NotCaughtUpError when the copy does not come within 60 s.
 */
export async function judge(options: JudgeOptions, ranges: readonly OpenRange[]): Promise<Settled> {
  const { slice, caughtUp, signal } = options;
  const copy = options.copy;
  const findings: SettledFinding[] = [];
  const counts = { rowsSource: 0, rowsTarget: 0 };
  const done: OpenRange[] = [];
  let looks = ranges.map((range) => ({ range, found: [] as string[] }));
  for (let round = 1; looks.length > 0; round += 1) {
    const isOpen = looks.some(({ range }) => range.open.length > 0);
    // 1.
    if (isOpen) {
      await caughtUp.wait({ slice, copy, signal: withDeadline(signal, CAUGHT_UP_DEADLINE_MS) });
    }
    const next: typeof looks = [];
    for (const { range, found } of looks) {
      const last = await look(options, range);
      findings.push(...last.findings);
      const keys = [...found, ...last.findings.map(({ key }) => keyText(key))];
      if (last.range.open.length > 0 && round < MAX_ROUNDS) {
        next.push({ range: last.range, found: keys });
        continue;
      }
      findings.push(...last.range.open.map((key) => unsettled(key, last.range.source)));
      if (range.counts !== 'target') counts.rowsSource += last.range.source.size;
      if (range.counts !== 'source') counts.rowsTarget += last.rowsTarget;
      done.push({ ...last.range, open: [...keys, ...last.range.open], suspects: new Set() });
    }
    looks = next;
  }
  return { ...counts, findings, ranges: done };
}

interface Look {
  /** As of this look, with the keys that are open still. */
  readonly range: OpenRange;
  readonly rowsTarget: number;
  readonly findings: readonly SettledFinding[];
}

async function look(options: JudgeOptions, range: OpenRange): Promise<Look> {
  // 2.
  const target = await readTarget(options, range);
  // 3.
  const source = await readVersionedRows({ ...options, range: range.range });
  const findings: SettledFinding[] = [];
  const open: string[] = [];
  const suspects = new Set<string>();
  for (const key of range.open) {
    const ours = source.get(key);
    const theirs = target.rows.get(key);
    if ((ours && hashOf(ours.row)) === theirs?.hash) continue;
    const suspect = `${key} ${theirs?.hash ?? ''}`;
    if (!ours) suspects.add(suspect);
    const rested = ours
      ? range.source.get(key)?.version === ours.version
      : !range.source.has(key) && range.suspects.has(suspect);
    if (rested) findings.push(findingOf(options.table, { key, ours, theirs }));
    else open.push(key);
  }
  return { range: { ...range, source, open, suspects }, rowsTarget: target.count, findings };
}

/** The target's rows of the open keys, and how many rows there are in all. */
async function readTarget(
  { table, copy, targetRows = 2_000, signal }: JudgeOptions,
  { target, open }: OpenRange,
): Promise<{ rows: ReadonlyMap<string, TargetRow>; count: number }> {
  const wanted = new Set(open);
  const fieldsOf = open.slice(0, FIELDS_OF_ROWS).map((key) => JSON.parse(key) as string[]);
  const found = new Map<string, TargetRow>();
  let { afterKey } = target;
  for (let count = 0; ;) {
    const request = { table: table.target, afterKey, toKey: target.toKey, limit: targetRows, fieldsOf };
    const { rows, isWhole } = await copy.rows(request, signal);
    count += rows.length;
    for (const row of rows) if (wanted.has(keyText(row.key))) found.set(keyText(row.key), row);
    if (isWhole) return { rows: found, count };
    afterKey = rows.at(-1)?.key ?? null;
  }
}

function findingOf(
  table: CompiledTable,
  row: {
    readonly key: string;
    readonly ours: VersionedRow | undefined;
    readonly theirs: TargetRow | undefined;
  },
): SettledFinding {
  const { ours, theirs } = row;
  const kind: FindingKind = !theirs ? 'missing' : !ours ? 'extra' : 'different';
  const fields = ours && theirs?.fields ? differingFields(shownFields(table, ours.row), theirs.fields) : [];
  return { kind, key: JSON.parse(row.key) as string[], fields, sourceKey: ours?.sourceKey ?? null };
}

function unsettled(key: string, source: SourceRows): SettledFinding {
  const parsed = JSON.parse(key) as string[];
  return { kind: 'unsettled', key: parsed, fields: [], sourceKey: source.get(key)?.sourceKey ?? null };
}
