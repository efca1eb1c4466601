import type { TableVerifyState, VerifyState } from '@banyan/cdc/verify';
import type { Knex } from 'knex';
import { z } from 'zod';
import type { StoredVerification, VerificationStore } from './verification-store.ts';

interface VerificationRow {
  readonly slice: string;
  readonly run: string;
  readonly snapshot: string;
  readonly mapping: string;
  readonly state: string;
  readonly by: string;
  readonly reason: string | null;
  readonly repair: number;
  readonly started_at_ms: number;
  readonly finished_at_ms: number | null;
  readonly error: string | null;
  readonly tables: string | null;
}

const count = z.number().int();
const key = z.array(z.string());

const tableState: z.ZodType<TableVerifyState> = z.strictObject({
  source: z.string(),
  target: z.string(),
  step: z.enum(['waiting', 'running', 'done']),
  after: z.strictObject({ source: key, target: key }).nullable(),
  rowsEstimated: count.nullable(),
  rowsSource: count,
  rowsTarget: count,
  missing: count,
  extra: count,
  different: count,
  unsettled: count,
  repaired: count,
  ranges: count,
  examples: z.array(
    z.strictObject({
      kind: z.enum(['missing', 'extra', 'different', 'unsettled']),
      key,
      fields: z.array(
        z.strictObject({
          column: z.string(),
          wanted: z.string().nullable(),
          got: z.string().nullable(),
          isHidden: z.boolean(),
        }),
      ),
    }),
  ),
  notes: z.array(z.string()),
});

const stateSchema = z.enum(['running', 'finished', 'failed']);

/** Verifications in the control plane's SQLite file. */
export function createSqliteVerifications(knex: Knex): VerificationStore {
  return {
    async read(slice) {
      const rows = await knex<VerificationRow>('verifications').where({ slice }).select();
      return rows[0] ? toStored(rows[0]) : null;
    },
    async begin(verification) {
      await knex('verifications').insert(toRow(verification)).onConflict('slice').merge();
    },
    async save(verification) {
      const { slice, run } = verification;
      const changed = await knex('verifications').where({ slice, run }).update(toRow(verification));
      return changed === 1;
    },
  };
}

function toRow(verification: StoredVerification): VerificationRow {
  const { startedAtMs, finishedAtMs, progress, repair, ...rest } = verification;
  return {
    ...rest,
    repair: repair ? 1 : 0,
    started_at_ms: startedAtMs,
    finished_at_ms: finishedAtMs,
    tables: progress && JSON.stringify(progress.tables),
  };
}

function toStored(row: VerificationRow): StoredVerification {
  const { started_at_ms, finished_at_ms, tables, repair, state, ...rest } = row;
  return {
    ...rest,
    state: stateSchema.parse(state),
    repair: repair === 1,
    startedAtMs: started_at_ms,
    finishedAtMs: finished_at_ms,
    progress: tables === null ? null : progressOf(tables),
  };
}

function progressOf(tables: string): VerifyState {
  return { tables: z.array(tableState).parse(JSON.parse(tables)) };
}
