import type { SlotStatus } from '../feed/monolith-database.ts';
import type { ConnectorStatus } from './connect-client.ts';
import { largeRecordOf } from './large-record.ts';

/** What the connector does, truthfully. */
export type ConnectorState =
  | { readonly state: 'absent' | 'paused' | 'running' }
  /** It says that it runs, say, but nobody reads its slot yet. */
  | { readonly state: 'starting'; readonly reason: string }
  | { readonly state: 'failed'; readonly reason: string };

/** A connector says RUNNING before it has its slot, and may fail seconds later: only a slot that is read is a feed. */
export function judge(status: ConnectorStatus | null, slot: Pick<SlotStatus, 'active'>): ConnectorState {
  if (status === null) return { state: 'absent' };
  const parts = [status.connector, ...status.tasks];
  const failed = parts.find(({ state }) => state === 'FAILED');
  const large = largeRecordOf(status);
  if (large) return { state: 'failed', reason: large.text };
  if (failed) return { state: 'failed', reason: reasonOf(failed.trace) };
  if (parts.some(({ state }) => state === 'PAUSED' || state === 'STOPPED')) return { state: 'paused' };
  const other = parts.find(({ state }) => state !== 'RUNNING');
  if (other) return { state: 'starting', reason: `Connect says ${other.state}` };
  if (status.tasks.length === 0) return { state: 'starting', reason: 'it has no task yet' };
  if (!slot.active) return { state: 'starting', reason: 'nobody reads its replication slot yet' };
  return { state: 'running' };
}

/**
 * Of a Java trace, without what PostgreSQL says in detail: that quotes values. Of what failed while a record was made ready
 * for Kafka the first line says nothing, its cause does.
 */
function reasonOf(trace = 'Connect does not say why'): string {
  const lines = trace.split('\n');
  const first = lines[0] ?? '';
  const cause = lines.find((line) => line.startsWith('Caused by: '))?.slice('Caused by: '.length);
  const said = first.endsWith('Tolerance exceeded in error handler') ? (cause ?? first) : first;
  return said.replace(/\s*Detail:.*/, '').slice(0, 300);
}
