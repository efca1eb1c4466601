import type { Knex } from 'knex';
import { immediateTransaction } from '@banyan/kit/sqlite';
import type { GroupStatus, TopicPosition, TopicStatus } from '../bus.ts';

interface GroupRow {
  readonly name: string;
  readonly topic: string;
  readonly next_offset: number;
  readonly committed_at_ms: number;
  readonly first_offset: number;
  readonly end_offset: number;
  readonly lag_bytes: number;
}

/** What a group has applied, by its own word. */
export async function commitGroup(
  writer: Knex,
  commit: { readonly group: string; readonly positions: readonly TopicPosition[] },
  signal?: AbortSignal,
): Promise<void> {
  const { group, positions } = commit;
  const places = JSON.stringify(positions.map(({ topic, nextOffset }) => [topic, nextOffset]));
  await immediateTransaction(
    writer,
    (run) =>
      run(
        `INSERT INTO group_position (group_name, topic, next_offset, committed_at_ms)
         SELECT ?, value ->> 0, value ->> 1, ? FROM json_each(?) WHERE true
         ON CONFLICT (group_name, topic) DO UPDATE SET
           next_offset = excluded.next_offset, committed_at_ms = excluded.committed_at_ms`,
        [group, Date.now(), places],
      ),
    signal,
  );
}

/** @param topics Default: all of the group's. */
export async function releaseGroup(writer: Knex, group: string, topics?: readonly string[]): Promise<void> {
  await immediateTransaction(writer, (run) =>
    topics
      ? run('DELETE FROM group_position WHERE group_name = ? AND topic IN (SELECT value FROM json_each(?))', [
          group,
          JSON.stringify(topics),
        ])
      : run('DELETE FROM group_position WHERE group_name = ?', [group]),
  );
}

export async function readGroups(reader: Knex): Promise<readonly GroupStatus[]> {
  const rows = await reader.raw<GroupRow[]>(
    `SELECT group_name AS name, topic, place.next_offset, committed_at_ms,
       coalesce(topic.first_offset, 0) AS first_offset, coalesce(topic.next_offset, 0) AS end_offset,
       coalesce(topic.bytes_appended - (
         SELECT bytes_before FROM record WHERE topic_id = topic.id AND topic_offset >= place.next_offset
         ORDER BY topic_offset LIMIT 1), 0) AS lag_bytes
     FROM group_position AS place LEFT JOIN topic ON topic.name = place.topic
     ORDER BY group_name, topic`,
  );
  const groups = new Map<string, GroupRow[]>();
  for (const row of rows) groups.set(row.name, [...(groups.get(row.name) ?? []), row]);
  return Array.from(groups, ([name, ofGroup]) => toGroupStatus(name, ofGroup));
}

function toGroupStatus(name: string, rows: readonly GroupRow[]): GroupStatus {
  const topics = rows.map((row) => ({
    topic: row.topic,
    partition: 0,
    nextOffset: row.next_offset,
    lagRecords: Math.max(0, row.end_offset - Math.max(row.first_offset, row.next_offset)),
    lagBytes: row.lag_bytes,
    lost: row.next_offset < row.first_offset,
  }));
  return {
    name,
    topics,
    lagRecords: topics.reduce((sum, { lagRecords }) => sum + lagRecords, 0),
    lagBytes: topics.reduce((sum, { lagBytes }) => sum + lagBytes, 0),
    lastSeenAtMs: Math.max(...rows.map(({ committed_at_ms }) => committed_at_ms)),
    lost: topics.some(({ lost }) => lost),
  };
}

export async function readTopics(reader: Knex): Promise<readonly TopicStatus[]> {
  return await reader.raw<TopicStatus[]>(
    `SELECT name AS topic, first_offset AS firstOffset, next_offset AS nextOffset, records,
       coalesce(bytes_appended - (
         SELECT bytes_before FROM record WHERE topic_id = topic.id ORDER BY topic_offset LIMIT 1), 0) AS bytes
     FROM topic ORDER BY name`,
  );
}
