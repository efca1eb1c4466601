import { setTimeout as sleep } from 'node:timers/promises';
import type { BusRecordView, BusRoom } from '@banyan/contracts';
import { ControlClient } from '../control-client.ts';
import { busText } from '../output/status-text.ts';
import { asTyped, bytes, count, duration, printJson, table } from '../output/terminal.ts';
import type { Context } from './context.ts';

const FOLLOW_INTERVAL_MS = 500;

/** What of a topic is printed. */
export interface ReadOptions {
  readonly from?: number;
  readonly limit: number;
  readonly key?: string;
  readonly values?: boolean;
  readonly follow?: boolean;
}

/** Topics with what they hold. */
export async function busTopics(context: Context): Promise<void> {
  const answer = await ControlClient.open(context.home, { exact: context.json }).busTopics();
  if (context.json) {
    printJson(answer);
    return;
  }
  const rows = answer.topics.map(({ topic, firstOffset, nextOffset, records, bytes: held, groups }) => [
    topic,
    count(firstOffset),
    count(nextOffset),
    count(records),
    bytes(held),
    groups.join(', ') || '-',
  ]);
  printTable(['topic', 'first', 'next', 'records', 'size', 'groups'], rows, answer);
}

/** Groups with how far each has applied. */
export async function busGroups(context: Context): Promise<void> {
  const answer = await ControlClient.open(context.home, { exact: context.json }).busGroups();
  if (context.json) {
    printJson(answer);
    return;
  }
  const rows = answer.groups.flatMap((group) =>
    group.topics.map(({ topic, nextOffset, lagRecords, lagBytes, lost }) => [
      group.name,
      topic,
      count(nextOffset),
      `${count(lagRecords)} (${bytes(lagBytes)})`,
      lost ? 'LOST: takes a new table snapshot' : lagRecords === 0 ? 'up to date' : 'behind',
      `${duration(group.seenAgeMs)} ago`,
    ]),
  );
  printTable(['group', 'topic', 'next', 'behind by', 'state', 'seen'], rows, answer);
}

/** Records of a topic; with `follow` as they come, until interrupted. */
export async function busRead(topic: string, options: ReadOptions, context: Context): Promise<void> {
  const client = ControlClient.open(context.home, { exact: context.json });
  const query = {
    topic,
    limit: String(options.limit),
    values: String(options.values ?? false),
    ...(options.key === undefined ? {} : { key: options.key }),
  };
  let from = options.from;
  for (;;) {
    const answer = await client.busRecords({
      ...query,
      ...(from === undefined ? {} : { from: String(from) }),
    });
    from = answer.nextOffset;
    if (context.json) {
      // One record a line while following, so that a program can read on; else the answer as it is.
      const lines = options.follow ? answer.records : [answer];
      for (const line of lines) printJson(options.follow ? { schema_version: 1, ...line } : line);
    } else {
      for (const record of answer.records) console.log(recordText(record));
      if (!options.follow) printEnd(answer.records.length, answer);
    }
    if (!options.follow) return;
    if (answer.ended) await sleep(FOLLOW_INTERVAL_MS);
  }
}

/** `17  10:04:05.123  u  {"id":5}  rating=4 title=***`. */
export function recordText({
  offset,
  storedAtMs,
  kind,
  op,
  key,
  headers,
  before,
  after,
}: BusRecordView): string {
  const at = new Date(storedAtMs).toISOString().slice(11, 23);
  const row = after ?? before;
  const parts = [
    ...Object.entries(headers).map(([name, text]) => `[${name}: ${text}]`),
    ...Object.entries(row ?? {}).map(([column, value]) => `${column}=${value}`),
  ];
  return `${offset}  ${at}  ${op ?? kind}  ${key ?? '-'}  ${parts.join(' ')}`.trimEnd();
}

function printTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  answer: { readonly room: BusRoom; readonly next_steps: readonly string[] },
): void {
  console.log(rows.length > 0 ? table(head, rows) : 'Nothing yet.');
  console.log(`\n${busText(answer.room)}`);
  console.log(asTyped(`try: ${answer.next_steps.join('  ·  ')}`));
}

function printEnd(
  records: number,
  answer: { readonly ended: boolean; readonly next_steps: readonly string[] },
): void {
  if (records === 0) console.log('No record matches.');
  console.log(
    asTyped(
      `${answer.ended ? 'end of the topic' : 'there is more'}; try: ${answer.next_steps.join('  ·  ')}`,
    ),
  );
}
