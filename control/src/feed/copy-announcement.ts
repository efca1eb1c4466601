import type { BusRecord } from '@banyan/cdc/bus';
import { controlRecordKey, tableTopic } from '@banyan/contracts';
import { copyOf, type SliceState } from '../slices/domain/slice-state.ts';
import type { ManagedSlice, SliceWithState } from '../slices/managed-slice.ts';

/**
 * Says on the tables' topics whom the rows that follow are for: this slice's copy, which is emptied, and none that others
 * have of the same tables, which are filled already.
 */
export function copyAnnouncement(options: {
  readonly slice: ManagedSlice;
  readonly state: SliceState;
  readonly others: readonly SliceWithState[];
  readonly topicPrefix: string;
}): BusRecord[] {
  const { slice, state, others, topicPrefix } = options;
  const record = (kind: 'reset' | 'filled', to: SliceState, table: string): BusRecord => ({
    topic: tableTopic(topicPrefix, table),
    key: controlRecordKey(kind),
    // All on one partition, so that they are met in this order.
    partitionKey: controlRecordKey('reset'),
    headers: { id: `${slice.name}-${state.epoch}`, slice: to.name, epoch: String(to.epoch) },
    value: null,
  });
  const filled = others.filter((other) => (copyOf(other.state)?.step ?? 'starting') !== 'starting');
  return slice.tables.flatMap((table) => [
    ...filled
      .filter((other) => other.slice.tables.includes(table))
      .map((other) => record('filled', other.state, table)),
    record('reset', state, table),
  ]);
}
