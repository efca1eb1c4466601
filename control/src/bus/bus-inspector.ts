import {
  CONTROL_SCHEMA_VERSION,
  parseExactJson,
  type BusGroups,
  type BusRecords,
  type BusTopics,
  type SliceDefinition,
} from '@banyan/contracts';
import { ControlError } from '../control-error.ts';
import type { Clock } from '../clock.ts';
import type { InspectedBus, StoredRecord } from '../feed/ports.ts';
import { busRoom } from '../feed/feed-monitor.ts';
import { recordView, visibilityOf } from './domain/record-view.ts';

/** Most records looked through for one answer: a key may be rare. */
const MOST_SCANNED = 100_000;
const PAGE_RECORDS = 1_000;

/** What of a topic is asked for. */
export interface RecordsQuery {
  readonly topic: string;
  /** Default: the newest `limit`, or with `key` the first one kept. */
  readonly from?: number | undefined;
  /** Most records shown. */
  readonly limit: number;
  /** A bus key as JSON, or the value of its only column. Default: every key. */
  readonly key?: string | undefined;
  /** Also show values that no mapping calls personal. */
  readonly values: boolean;
}

/** A topic that is not on the bus. */
export class UnknownTopicError extends ControlError<'unknown-topic'> {
  constructor(topic: string, topics: readonly string[]) {
    super('unknown', 'unknown-topic', `There is no topic "${topic}" on the bus.`, {
      evidence: [`topics: ${topics.join(', ') || 'none yet'}`],
      nextSteps: ['banyan bus topics'],
    });
  }
}

export interface BusInspectorDeps {
  readonly bus: InspectedBus;
  readonly clock: Clock;
  readonly slices: readonly SliceDefinition[];
  readonly topicPrefix: string;
}

/** Lets people look at the bus; what is personal stays masked. */
export class BusInspector {
  readonly #deps: BusInspectorDeps;

  constructor(deps: BusInspectorDeps) {
    this.#deps = deps;
  }

  async topics(): Promise<BusTopics> {
    const { bus } = this.#deps;
    const groups = await bus.groups();
    const topics = await bus.topics();
    const biggest = [...topics].sort((a, b) => (b.bytes ?? b.records) - (a.bytes ?? a.records))[0];
    return {
      schema_version: CONTROL_SCHEMA_VERSION,
      room: await busRoom(bus),
      topics: topics.map((topic) => ({
        ...topic,
        groups: groups
          .filter((group) => group.topics.some((place) => place.topic === topic.topic))
          .map(({ name }) => name),
      })),
      next_steps: [...(biggest ? [`banyan bus read ${biggest.topic}`] : []), 'banyan bus groups'],
    };
  }

  async groups(): Promise<BusGroups> {
    const { bus, clock } = this.#deps;
    const nowMs = clock.nowMs();
    const groups = await bus.groups();
    return {
      schema_version: CONTROL_SCHEMA_VERSION,
      room: await busRoom(bus),
      groups: groups.map(({ name, lastSeenAtMs, lagRecords, lagBytes, lost, topics }) => ({
        name,
        seenAgeMs: Math.max(0, nowMs - lastSeenAtMs),
        lagRecords,
        lagBytes,
        lost,
        topics: topics.map((place) => ({
          topic: place.topic,
          nextOffset: place.nextOffset,
          lagRecords: place.lagRecords,
          lagBytes: place.lagBytes,
          lost: place.lost,
        })),
      })),
      next_steps: groups.some(({ lost }) => lost) ? ['banyan status'] : ['banyan bus topics'],
    };
  }

  /** @throws UnknownTopicError; the bus's `offset-gone`. */
  async records(query: RecordsQuery): Promise<BusRecords> {
    const { bus, slices, topicPrefix } = this.#deps;
    const topics = await bus.topics();
    const topic = topics.find((each) => each.topic === query.topic);
    if (!topic) {
      throw new UnknownTopicError(
        query.topic,
        topics.map((each) => each.topic),
      );
    }
    const newest = Math.max(topic.firstOffset, topic.nextOffset - query.limit);
    const from = query.from ?? (query.key === undefined ? newest : topic.firstOffset);
    const { found, nextOffset } = await this.#find(query, from, topic.nextOffset);
    const visibility = visibilityOf({
      slices,
      prefix: topicPrefix,
      topic: query.topic,
      values: query.values,
    });
    const ended = nextOffset >= topic.nextOffset;
    return {
      schema_version: CONTROL_SCHEMA_VERSION,
      topic: query.topic,
      records: found.map((record) => recordView(record, visibility)),
      nextOffset,
      ended,
      next_steps: ended ? ['banyan bus groups'] : [`banyan bus read ${query.topic} --from ${nextOffset}`],
    };
  }

  async #find(
    query: RecordsQuery,
    from: number,
    end: number,
  ): Promise<{ found: StoredRecord[]; nextOffset: number }> {
    const { topic, limit, key } = query;
    const found: StoredRecord[] = [];
    let nextOffset = from;
    while (found.length < limit && nextOffset < end && nextOffset - from < MOST_SCANNED) {
      const page = await this.#deps.bus.read({ topic, partition: 0, nextOffset }, PAGE_RECORDS);
      for (const record of page) {
        if (found.length === limit) break;
        nextOffset = record.offset + 1;
        if (key === undefined || isKey(record.key, key)) found.push(record);
      }
      if (page.length === 0) nextOffset = end;
    }
    return { found, nextOffset };
  }
}

/** A key that people typed: as it is on the bus, or the one value that it holds. */
function isKey(key: string | null, wanted: string): boolean {
  if (key === null || key === wanted) return key === wanted;
  let parsed: unknown;
  try {
    parsed = parseExactJson(key);
  } catch {
    return false; // no JSON: it can only be named as it is
  }
  if (typeof parsed !== 'object' || parsed === null) return String(parsed) === wanted; // an event's
  const values = Object.values(parsed) as unknown[];
  return values.length === 1 && String(values[0]) === wanted;
}
