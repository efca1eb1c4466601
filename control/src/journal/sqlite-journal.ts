import { gateResultSchema, type JournalEntry } from '@banyan/contracts';
import type { RunSql } from '@banyan/kit/sqlite';
import type { Knex } from 'knex';
import { z } from 'zod';
import type { JournalQuery } from './journal-query.ts';

interface JournalRow {
  readonly id: number;
  readonly at_ms: number;
  readonly slice: string;
  readonly epoch: number;
  readonly by: string;
  readonly verb: string;
  readonly from: string;
  readonly to: string;
  readonly reason: string | null;
  readonly evidence: string;
}

/** An entry that has no id yet. */
export type NewEntry = Omit<JournalEntry, 'id' | 'evidence'> & {
  readonly evidence: readonly JournalEntry['evidence'][number][];
};

const evidenceSchema = z.array(gateResultSchema);

/** Writes an entry inside of the transaction that makes its step. @returns its id. */
export async function writeEntry(run: RunSql, entry: NewEntry): Promise<number> {
  const { atMs, slice, epoch, by, verb, from, to, reason, evidence } = entry;
  const [row] = await run<{ id: number }>(
    `INSERT INTO journal (at_ms, slice, epoch, "by", verb, "from", "to", reason, evidence)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
    [atMs, slice, epoch, by, verb, from, to, reason, JSON.stringify(evidence)],
  );
  if (!row) throw new Error('The journal gave no id.');
  return row.id;
}

/** Oldest first. */
export async function readEntries(knex: Knex, query: JournalQuery): Promise<readonly JournalEntry[]> {
  const { slice, afterId, limit } = query;
  const wanted = knex<JournalRow>('journal').limit(limit);
  if (slice !== undefined) void wanted.where({ slice });
  const rows: JournalRow[] = await (afterId === undefined
    ? wanted.orderBy('id', 'desc')
    : wanted.where('id', '>', afterId).orderBy('id'));
  if (afterId === undefined) rows.reverse();
  return rows.map(toEntry);
}

function toEntry(row: JournalRow): JournalEntry {
  const { at_ms: atMs, evidence, ...rest } = row;
  return { ...rest, atMs, evidence: evidenceSchema.parse(JSON.parse(evidence)) };
}
