import type { Bus } from '@banyan/cdc/apply';
import {
  controlRecordKey,
  heartbeatTopic,
  stringifyExactJson,
  tableTopic,
  type EnvelopeOp,
  type Row,
} from '@banyan/contracts';

export type FeedRecord = Parameters<Bus['append']>[0][number];

/** The topic prefix of test settings. */
export const PREFIX = 'shop';

/**
 * A changed row as the feed puts it on the bus.
 *
 * @param table e.g. `public.reviews`
 * @param row the row after the change, or before a delete
 * @param key columns of the source's primary key. Default `id`.
 */
export function changeOf(
  table: string,
  op: EnvelopeOp,
  row: Row,
  key: readonly string[] = ['id'],
): FeedRecord {
  const gone = op === 'd';
  return {
    topic: tableTopic(PREFIX, table),
    key: stringifyExactJson(Object.fromEntries(key.map((column) => [column, row[column] ?? null]))),
    headers: {},
    value: stringifyExactJson({
      op,
      before: gone ? row : null,
      after: gone ? null : row,
      source: { ts_ms: Date.now() },
    }),
  };
}

/** A heartbeat written now. */
export const heartbeat = (): FeedRecord => ({
  topic: heartbeatTopic(PREFIX),
  key: null,
  headers: {},
  value: JSON.stringify({ ts_ms: Date.now() }),
});

/** A control record on the topic of each table: `reset` empties the copy, `barrier` is met by everyone who reads it. */
export const controlRecords = (
  kind: 'reset' | 'barrier',
  tables: readonly string[],
  headers: Readonly<Record<string, string>> = {},
): readonly FeedRecord[] =>
  tables.map((table) => ({
    topic: tableTopic(PREFIX, table),
    key: controlRecordKey(kind),
    headers,
    value: null,
  }));
