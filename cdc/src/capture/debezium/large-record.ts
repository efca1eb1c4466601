import type { ConnectorStatus } from './connect-client.ts';

/** A record that Kafka does not take. */
export interface LargeRecord {
  /** Its size; null when it was not told. */
  readonly bytes: number | null;
  /** In words, e.g. `a record of 34,000,750 bytes is larger than 33,554,432 bytes (max.request.size)`. */
  readonly text: string;
}

/** What a task has failed of, if it is that; its first line never says so. */
export function largeRecordOf(status: ConnectorStatus | null): LargeRecord | null {
  const failed = status?.tasks.find(({ state }) => state === 'FAILED');
  const said = /RecordTooLargeException: (.*)/.exec(failed?.trace ?? '')?.[1];
  if (said === undefined) return null;
  const [, bytes, limit, setting] =
    /is (\d+) bytes .* larger than (\d+), which is the value of the (\S+)/.exec(said) ?? [];
  if (bytes === undefined) return { bytes: null, text: 'the broker refused a record as too large' };
  const count = (text = ''): string => Number(text).toLocaleString('en-US');
  return {
    bytes: Number(bytes),
    text: `a record of ${count(bytes)} bytes is larger than ${count(limit)} bytes (${setting})`,
  };
}
