import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaBus } from '../../bus/kafka/kafka-bus.ts';
import { FeedPublication } from '../feed/feed-publication.ts';
import { SIGNAL_TABLE, writeSignal } from '../feed/signal-table.ts';
import type { SourceDatabase } from '../postgres/source-database.ts';
import type { ConnectClient, ConnectorConfig } from './connect-client.ts';
import { ConnectError, foreignTopicsError } from './connect-error.ts';
import { PLACEHOLDER_SETTING, renderConnectorConfig, type ConnectorSettings } from './connector-config.ts';
import { judge, type ConnectorState } from './connector-state.ts';
import {
  connectorName,
  isAt,
  ofFeed,
  renderMarks,
  type FeedConnector,
  type FeedMarks,
} from './feed-connectors.ts';
import { ensurePublication, gapOf, readFeedServer, replaceSlot, type FeedServer } from './feed-server.ts';
import type { PostgresSource } from '../feed/postgres-source.ts';
import { FeedTopics } from './feed-topics.ts';
import { readIncludedTables } from './included-tables.ts';
import { largeRecordOf } from './large-record.ts';
import { tableOf } from './large-record-table.ts';

const POLL_MS = 100;
/** A task that has failed is started again after this pause. */
const RESTART_PAUSE_MS = 3_000;
/** A slot that is read and has not moved for so long, with a heartbeat every second. */
const STILL_MS = 10_000;

export interface DebeziumFeedOptions extends Omit<
  ConnectorSettings,
  'tables' | 'offsetsTopic' | 'placeholder'
> {
  /** The same database, as this process sees it. See `PostgresSourceOptions.url`. */
  readonly url: string;
  /** Kafka Connect's REST API. */
  readonly connectUrl: string;
  /**
   * First part of the connector's name, which the slot and the time of its making follow: Kafka keeps a connector's offsets
   * under its name, and one that is made anew must not go on from those of its predecessor. They are on `<name>-offsets`.
   */
  readonly connector: string;
  /** The same database, as it is asked itself. Whoever made it closes it. */
  readonly postgres: PostgresSource;
  /** The Kafka that the workers write to. */
  readonly bus: KafkaBus;
  /** Deadline of one statement. Default 15,000. */
  readonly statementTimeoutMs?: number;
}

/** Keeps the one connector of a feed as it should be, and makes it anew where changes may be missing. One change at a time. */
export class ConnectorKeeper {
  readonly #options: DebeziumFeedOptions;
  readonly #database: SourceDatabase;
  readonly #connect: ConnectClient;
  readonly #topics: FeedTopics;
  #restartedAtMs = 0;
  #wasAbsent = false;
  /** Where the slot stood, and since when. */
  #still: { readonly lsn: string | null; readonly sinceMs: number } = { lsn: null, sinceMs: 0 };

  constructor(options: DebeziumFeedOptions, parts: { database: SourceDatabase; connect: ConnectClient }) {
    this.#options = options;
    this.#database = parts.database;
    this.#connect = parts.connect;
    this.#topics = new FeedTopics(options);
  }

  /** One look; see `DebeziumFeed.mend`. */
  async mend(signal: AbortSignal): Promise<string | null> {
    if (await this.#isDoubtful(signal)) return null;
    const { current, server, done } = await this.ensureConnector(signal);
    if (done !== null) return done;
    const left = await this.#leaveOut(current, signal);
    if (left !== null) return left;
    const wanted = await this.#render(current, await this.published(signal), signal);
    if (!isSame(current.config, wanted)) {
      await this.#connect.putConfig(current.name, wanted, signal);
      return 'the connector got other settings';
    }
    if (await this.#restartFailed(current, signal)) return 'the connector failed and was started again';
    return (await this.#wake(server, signal))
      ? 'the slot stood still, and a commit was written to move it on'
      : null;
  }

  /**
   * Heartbeats move the slot on once a second. Where it is read and stands still all the same (seen for minutes on an idle
   * database, after Debezium had lost its connection), a commit in a table that it follows moves it.
   */
  async #wake({ slot }: FeedServer, signal: AbortSignal): Promise<boolean> {
    const { activePid, confirmedFlushLsn } = slot;
    const standsStill = activePid !== null && confirmedFlushLsn === this.#still.lsn;
    if (!standsStill) this.#still = { lsn: confirmedFlushLsn, sinceMs: Date.now() };
    if (Date.now() - this.#still.sinceMs < STILL_MS) return false;
    this.#still = { lsn: confirmedFlushLsn, sinceMs: Date.now() };
    // Debezium's own signal for such: it writes the message into its log.
    const data = { message: 'The slot stood still; this commit moves it on.' };
    const id = await writeSignal(this.#database, { type: 'log', data }, signal);
    await this.#database.query(`DELETE FROM ${SIGNAL_TABLE} WHERE id = $1`, [id], signal);
    return true;
  }

  /**
   * The connector of the incarnation that is good; makes it, as a new one, where there is none.
   * @returns with it what was done, and the server as it was before that.
   */
  async ensureConnector(signal: AbortSignal): Promise<{
    readonly current: FeedConnector;
    readonly server: FeedServer;
    readonly done: string | null;
  }> {
    const server = await this.server(signal);
    const connectors = await this.connectors(signal);
    const [newest] = connectors;
    const gap = newest ? await this.#gap(newest.marks, server, signal) : null;
    if (newest && gap === null) {
      if (connectors.length === 1) return { current: newest, server, done: null };
      // The one that replaced another had been made when whoever made it was killed.
      return {
        current: await this.#finishReplacing(newest.name, signal),
        server,
        done: 'a replaced connector was removed',
      };
    }
    return { server, ...(await this.#beginAnew(connectors, gap ?? 'the feed was begun', signal)) };
  }

  /**
   * A record that Kafka does not take ends the task again and again. Its table is left out of the feed, so that others go on.
   * @returns what was done; null when nothing was to be done, or the table is not known.
   */
  async #leaveOut(current: FeedConnector, signal: AbortSignal): Promise<string | null> {
    const { name, marks, status } = current;
    const record = largeRecordOf(status);
    if (record === null) return null;
    const passedOver = Object.keys(marks.leftOut);
    const table = await tableOf({ ...this.#options, database: this.#database, record, passedOver }, signal);
    if (table === null) return null;
    // 1. From here on no copy of it counts as whole. 2. The connector passes over it, and says why where it survives us.
    await new FeedPublication(this.#database, this.#options.publication).remove([table], signal);
    const leaving = { ...current, marks: { ...marks, leftOut: { ...marks.leftOut, [table]: record.text } } };
    const config = await this.#render(leaving, await this.published(signal), signal);
    await this.#connect.putConfig(name, config, signal);
    return `${table} was taken out of the feed: ${record.text}`;
  }

  /** Lets tables that were left out be asked for again. They are in the feed only then. */
  async forget(tables: readonly string[], signal: AbortSignal): Promise<void> {
    const [current] = await this.connectors(signal);
    if (!current || !tables.some((table) => table in current.marks.leftOut)) return;
    const { name, marks } = current;
    const kept = Object.entries(marks.leftOut).filter(([table]) => !tables.includes(table));
    const forgetting = { ...current, marks: { ...marks, leftOut: Object.fromEntries(kept) } };
    const published = (await this.published(signal)).filter((table) => !tables.includes(table));
    await this.#connect.putConfig(name, await this.#render(forgetting, published, signal), signal);
  }

  /** Why the feed has to begin anew; null while it has not. */
  async #gap(marks: FeedMarks, server: FeedServer, signal: AbortSignal): Promise<string | null> {
    const known = marks.anewReason ?? gapOf(marks, server, this.#options);
    return known ?? (await this.#topics.gap(await this.published(signal)));
  }

  async #beginAnew(
    old: readonly FeedConnector[],
    reason: string,
    signal: AbortSignal,
  ): Promise<{ readonly current: FeedConnector; readonly done: string }> {
    const { slot, publication } = this.#options;
    await this.refuseSharedTopics(old, signal);
    // 1. Said first, where it survives us: from here on nobody takes the feed for whole.
    for (const { name, config, marks } of old) {
      if (marks.anewReason === null) {
        await this.#connect.putConfig(
          name,
          { ...config, ...renderMarks({ ...marks, anewReason: reason }) },
          signal,
        );
      }
    }
    // 2. Nobody reads any more.
    for (const { name } of old) await this.#connect.stop(name, signal);
    // 3. Topics, another publication and slot.
    await ensurePublication(this.#database, publication, signal);
    await this.#topics.ensure(await this.published(signal));
    await replaceSlot(this.#database, slot, signal);
    // 4. A connector under another name: it must not go on from the other one's offsets.
    const server = await this.server(signal);
    const nowMs = Date.now();
    const marks: FeedMarks = {
      incarnation: (old[0]?.marks.incarnation ?? 0) + 1,
      incarnationReason: reason,
      incarnationAtMs: nowMs,
      anewReason: null,
      leftOut: {},
      systemId: server.systemId,
      timeline: server.timeline,
      publicationId: server.publicationId ?? '',
    };
    const name = connectorName(this.#options, nowMs);
    const before = { name, marks, config: old[0]?.config ?? {} };
    const config = await this.#render(before, await this.published(signal), signal);
    await this.#connect.putConfig(name, config, signal);
    // 5. What is asked of it now will come: only then the old one, and what it announces, goes.
    const current = await this.#finishReplacing(name, signal);
    return { current, done: `the feed began anew, as incarnation ${marks.incarnation}: ${reason}` };
  }

  /** Two feeds on one topic would be one copy's rows among another's. @throws ConnectError `topics-foreign`. */
  async refuseSharedTopics(own: readonly FeedConnector[], signal: AbortSignal): Promise<void> {
    const { prefix } = this.#options;
    const other = (await this.#connect.connectors(signal)).find(
      ({ name, config }) => config['topic.prefix'] === prefix && !own.some((each) => each.name === name),
    );
    if (other) throw foreignTopicsError(other, this.#options);
  }

  async #finishReplacing(name: string, signal: AbortSignal): Promise<FeedConnector> {
    // 1. The others let go of the slot, which only one can read: one that came back would keep it for ever.
    for (const other of await this.connectors(signal)) {
      if (other.name !== name) await this.#connect.stop(other.name, signal);
    }
    // 2.
    await this.#untilReady(name, null, signal);
    // 3. With what they announce.
    for (const other of await this.connectors(signal)) {
      if (other.name !== name) await this.remove(other.name, signal);
    }
    const current = (await this.connectors(signal)).find((each) => each.name === name);
    if (!current) throw new ConnectError('connector-not-ready', `The connector "${name}" was removed.`);
    return current;
  }

  /** Ends a connector for good: its offsets are worth nothing to any other. */
  async remove(name: string, signal: AbortSignal): Promise<void> {
    await this.#connect.remove(name, signal);
    await this.#options.bus.removeTopics([offsetsTopicOf(name)]);
  }

  /** Gives the connector these tables, where it has others, starts what failed, and waits until it reads the slot. */
  async reconcile(current: FeedConnector, tables: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#topics.ensure(tables);
    const wanted = await this.#render(current, tables, signal);
    const same = isSame(current.config, wanted);
    // Another process must read the slot than the one that read it under the old settings.
    const oldReader = same ? null : (await this.server(signal)).slot.activePid;
    if (!same) await this.#connect.putConfig(current.name, wanted, signal);
    await this.#untilReady(current.name, oldReader, signal);
  }

  async #render(
    { name, marks, config }: Pick<FeedConnector, 'name' | 'marks' | 'config'>,
    tables: readonly string[],
    signal: AbortSignal,
  ): Promise<ConnectorConfig> {
    const carried = tables.filter((table) => !(table in marks.leftOut));
    const included = await readIncludedTables(this.#database, carried, signal);
    // Made by chance once, and kept as long as there is a connector that has it.
    const placeholder =
      config[PLACEHOLDER_SETTING] ?? `banyan-unavailable-${randomBytes(12).toString('hex')}`;
    const offsetsTopic = offsetsTopicOf(name);
    const settings = { ...this.#options, tables: included, offsetsTopic, placeholder };
    return { ...renderConnectorConfig(settings), ...renderMarks(marks) };
  }

  /** No connector, though there is a slot of ours: a worker that just came up is asked once more before it is believed. */
  async #isDoubtful(signal: AbortSignal): Promise<boolean> {
    if ((await this.connectors(signal)).length > 0 || this.#wasAbsent) {
      this.#wasAbsent = false;
      return false;
    }
    this.#wasAbsent = (await this.server(signal)).slot.isOurs;
    return this.#wasAbsent;
  }

  async #restartFailed(current: FeedConnector, signal: AbortSignal): Promise<boolean> {
    const isFailed = judge(current.status, { active: true }).state === 'failed';
    if (!isFailed || Date.now() - this.#restartedAtMs < RESTART_PAUSE_MS) return false;
    this.#restartedAtMs = Date.now();
    await this.#connect.restartFailed(current.name, signal);
    return true;
  }

  async #untilReady(name: string, oldReader: string | null, signal: AbortSignal): Promise<void> {
    let last: ConnectorState = { state: 'absent' };
    for (;;) {
      try {
        const current = (await this.connectors(signal)).find((each) => each.name === name);
        const { activePid } = (await this.server(signal)).slot;
        last = judge(current?.status ?? null, { active: activePid !== null });
        if (last.state === 'paused') return;
        if (last.state === 'running' && activePid !== oldReader) return;
        if (current) await this.#restartFailed(current, signal);
        await delay(POLL_MS, undefined, { signal });
      } catch (cause) {
        if (!signal.aborted) throw cause;
        const reason = 'reason' in last ? `${last.state}: ${last.reason}` : last.state;
        throw new ConnectError('connector-not-ready', `The connector "${name}" is ${reason}.`, {
          cause,
        });
      }
    }
  }

  /**
   * Those of this feed, newest incarnation first. A slot of our slot's name may be on another server, and its connector
   * another Banyan's: that one is at another address and of another server. Where only one of these differs, ours has moved.
   */
  async connectors(signal: AbortSignal): Promise<readonly FeedConnector[]> {
    const { database } = this.#options;
    const found = ofFeed(await this.#connect.connectors(signal), this.#options);
    if (found.every((each) => isAt(each, database))) return found;
    const { systemId } = await this.server(signal);
    return found.filter((each) => isAt(each, database) || each.marks.systemId === systemId);
  }

  /** What the database's server has of this feed. */
  async server(signal: AbortSignal): Promise<FeedServer> {
    return await readFeedServer(this.#database, this.#options, signal);
  }

  /** `schema.table` of the publication's tables. */
  async published(signal: AbortSignal): Promise<readonly string[]> {
    const sql = `SELECT schemaname || '.' || tablename AS name FROM pg_catalog.pg_publication_tables WHERE pubname = $1`;
    const rows = await this.#database.query(sql, [this.#options.publication], signal);
    return rows.map((row) => row['name'] ?? '');
  }
}

const offsetsTopicOf = (connector: string): string => `${connector}-offsets`;

/** Whether a connector has exactly these settings; its name is among those that Connect tells. */
function isSame(present: ConnectorConfig, wanted: ConnectorConfig): boolean {
  const names = Object.keys(present).filter((key) => key !== 'name');
  return (
    names.length === Object.keys(wanted).length &&
    Object.entries(wanted).every(([key, value]) => present[key] === value)
  );
}
