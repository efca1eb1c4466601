import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaBus } from '../../bus/kafka-bus.ts';
import { quoteName } from '../catalog.ts';
import { parseLsn } from '../lsn.ts';
import { createPostgresSource } from '../postgres-source.ts';
import { SourceDatabase } from '../source-database.ts';
import { SourceTableError } from '../source-table-error.ts';
import type { FeedPosition, SlotStatus, Source } from '../source.ts';
import { ConnectClient, type ConnectorConfig, type ConnectorStatus } from './connect-client.ts';
import { ConnectError } from './connect-error.ts';
import { renderConnectorConfig, type ConnectorSettings } from './connector-config.ts';
import { ofFeed, renderMarks, type FeedConnector, type FeedMarks } from './feed-connectors.ts';
import {
  dropSlot,
  ensurePublication,
  gapOf,
  readFeedServer,
  replaceSlot,
  type FeedServer,
} from './feed-server.ts';
import { FeedTopics } from './feed-topics.ts';

const POLL_MS = 100;
/** A task that has failed is started again after this pause. */
const RESTART_PAUSE_MS = 3_000;

export interface DebeziumSourceOptions extends Omit<
  ConnectorSettings,
  'tables' | 'generatedColumns' | 'offsetsTopic'
> {
  /** The same database, as this process sees it. See `PostgresSourceOptions.url`. */
  readonly url: string;
  /** Kafka Connect's REST API. */
  readonly connectUrl: string;
  /**
   * First part of the connector's name. A dot and the time of its making follow: Kafka keeps a connector's offsets under
   * its name, and one that is made anew must not go on from those of its predecessor. They are on `<name>-offsets`.
   */
  readonly connector: string;
  /** The Kafka that the workers write to. */
  readonly bus: Pick<KafkaBus, 'ensureTopics' | 'missingTopics'>;
  /** Deadline of one statement. Default 15,000. */
  readonly statementTimeoutMs?: number;
}

/** What the connector does, truthfully. */
export type ConnectorState =
  | { readonly state: 'absent' | 'paused' | 'running' }
  /** It says that it runs, say, but nobody reads its slot yet. */
  | { readonly state: 'starting'; readonly reason: string }
  | { readonly state: 'failed'; readonly reason: string };

/** A PostgreSQL that Debezium follows, in a Kafka Connect. */
export interface DebeziumSource extends Source {
  /** Makes publication and connector, or puts right what differs, and waits until the slot is read. */
  start(signal: AbortSignal): Promise<void>;
  state(signal: AbortSignal): Promise<ConnectorState>;
  pause(signal: AbortSignal): Promise<void>;
  resume(signal: AbortSignal): Promise<void>;
  /**
   * One look, for a loop: makes, replaces, or starts again what is not as it should be, and does not wait for what is on
   * its way. Where changes may be missing it makes slot and connector anew, as a new incarnation.
   * @returns what was done, for a log; null when nothing was to be done.
   */
  mend(signal: AbortSignal): Promise<string | null>;
  /** Where the feed stands, but for when it was last heard of. Null before the first start. */
  feedPosition(signal: AbortSignal): Promise<Omit<FeedPosition, 'heardAtMs'> | null>;
  /** Removes the connector with its slot and publication: what comes after needs new table snapshots. */
  remove(signal: AbortSignal): Promise<void>;
}

/** What does not depend on who reads the WAL is asked of the same code as the embedded source. */
export function createDebeziumSource(options: DebeziumSourceOptions): DebeziumSource {
  return new ConnectedSource(options);
}

class ConnectedSource implements DebeziumSource {
  readonly #options: DebeziumSourceOptions;
  readonly #postgres: Source;
  readonly #database: SourceDatabase;
  readonly #connect: ConnectClient;
  readonly #topics: FeedTopics;
  /** Changes of the connector, one after another. */
  #changed: Promise<unknown> = Promise.resolve();
  #restartedAtMs = 0;
  #wasAbsent = false;
  readonly describeTables: Source['describeTables'];
  readonly requestTableSnapshot: Source['requestTableSnapshot'];
  readonly takePosition: Source['takePosition'];
  readonly slotStatus: Source['slotStatus'];
  readonly readPage: Source['readPage'];
  readonly readRows: Source['readRows'];
  readonly feedMembership: Source['feedMembership'];
  readonly stopTableSnapshots: Source['stopTableSnapshots'];
  readonly walRetention: Source['walRetention'];

  constructor(options: DebeziumSourceOptions) {
    const { url, statementTimeoutMs = 15_000 } = options;
    this.#options = options;
    this.#database = new SourceDatabase({
      ...{ url, name: 'banyan control', statementTimeoutMs, maxConnections: 2 },
    });
    this.#connect = new ConnectClient(options.connectUrl);
    this.#topics = new FeedTopics(options);
    const postgres = createPostgresSource(options);
    this.#postgres = postgres;
    this.describeTables = (tables, signal) => postgres.describeTables(tables, signal);
    this.requestTableSnapshot = (tables, signal) => postgres.requestTableSnapshot(tables, signal);
    this.takePosition = (signal) => postgres.takePosition(signal);
    this.slotStatus = (signal) => postgres.slotStatus(signal);
    this.readPage = (range, signal) => postgres.readPage(range, signal);
    this.readRows = (question, signal) => postgres.readRows(question, signal);
    this.feedMembership = (tables, signal) => postgres.feedMembership(tables, signal);
    this.stopTableSnapshots = (tables, signal) => postgres.stopTableSnapshots(tables, signal);
    this.walRetention = (signal) => postgres.walRetention(signal);
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#change(async () => {
      const { current } = await this.#ensureConnector(signal);
      await this.#reconcile(current, await this.#published(signal), signal);
    });
  }

  async mend(signal: AbortSignal): Promise<string | null> {
    return await this.#change(async () => {
      if (await this.#isDoubtful(signal)) return null;
      const { current, done } = await this.#ensureConnector(signal);
      if (done !== null) return done;
      const wanted = await this.#render(current, await this.#published(signal), signal);
      if (!isSame(current.config, wanted)) {
        await this.#connect.putConfig(current.name, wanted, signal);
        return 'the connector got other settings';
      }
      return (await this.#restartFailed(current, signal))
        ? 'the connector failed and was started again'
        : null;
    });
  }

  async ensureTables(tables: readonly string[], signal: AbortSignal): Promise<void> {
    // Refuses unfit tables before anything is changed.
    refuseNames(tables);
    await this.#postgres.describeTables(tables, signal);
    await this.#change(async () => {
      const { current } = await this.#ensureConnector(signal);
      // 1. The connector takes them, 2. the publication sends them: the other way round it would pass over changes.
      await this.#reconcile(current, [...(await this.#published(signal)), ...tables], signal);
      await this.#postgres.ensureTables(tables, signal);
    });
  }

  async removeTables(tables: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#change(async () => {
      await this.#postgres.removeTables(tables, signal);
      const [current] = await this.#connectors(signal);
      if (current) await this.#reconcile(current, await this.#published(signal), signal);
    });
  }

  async state(signal: AbortSignal): Promise<ConnectorState> {
    const [current] = await this.#connectors(signal);
    return judge(current?.status ?? null, await this.slotStatus(signal));
  }

  async feedPosition(signal: AbortSignal): Promise<Omit<FeedPosition, 'heardAtMs'> | null> {
    // In this order: a connector that is of an incarnation, and not to be replaced, after the server was as that
    // incarnation has it, says that up to that look at the server there was no other one.
    const server = await this.#server(signal);
    const connectors = await this.#connectors(signal);
    const [current] = connectors;
    if (!current) return null;
    const { incarnation, incarnationReason, incarnationAtMs } = current.marks;
    const announced = connectors.find(({ marks }) => marks.anewReason !== null);
    const state = judge(current.status, { active: server.slot.activePid !== null });
    const { confirmedFlushLsn } = server.slot;
    return {
      ...{ incarnation, incarnationReason, incarnationAtMs },
      lsn: confirmedFlushLsn === null ? null : parseLsn(confirmedFlushLsn),
      anewReason: announced?.marks.anewReason ?? gapOf(current.marks, server, this.#options),
      failure: state.state === 'failed' ? `the connector has failed: ${state.reason}` : null,
    };
  }

  async pause(signal: AbortSignal): Promise<void> {
    const [current] = await this.#connectors(signal);
    if (current) await this.#connect.pause(current.name, signal);
  }

  async resume(signal: AbortSignal): Promise<void> {
    const [current] = await this.#connectors(signal);
    if (current) await this.#connect.resume(current.name, signal);
  }

  async remove(signal: AbortSignal): Promise<void> {
    const { slot, publication } = this.#options;
    await this.#change(async () => {
      for (const { name } of await this.#connectors(signal)) await this.#connect.remove(name, signal);
      await dropSlot(this.#database, slot, signal);
      await this.#database.query(`DROP PUBLICATION IF EXISTS ${quoteName(publication)}`, [], signal);
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#postgres.close(), this.#database.close()]);
  }

  /** The connector of the incarnation that is good; makes it, as a new one, where there is none. */
  async #ensureConnector(
    signal: AbortSignal,
  ): Promise<{ readonly current: FeedConnector; readonly done: string | null }> {
    const server = await this.#server(signal);
    const connectors = await this.#connectors(signal);
    const [newest] = connectors;
    const gap = newest ? await this.#gap(newest.marks, server, signal) : null;
    if (newest && gap === null) {
      if (connectors.length === 1) return { current: newest, done: null };
      // The one that replaced another had been made when whoever made it was killed.
      return {
        current: await this.#finishReplacing(newest.name, signal),
        done: 'a replaced connector was removed',
      };
    }
    return await this.#beginAnew(connectors, gap ?? 'the feed was begun', signal);
  }

  /** Why the feed has to begin anew; null while it has not. */
  async #gap(marks: FeedMarks, server: FeedServer, signal: AbortSignal): Promise<string | null> {
    const known = marks.anewReason ?? gapOf(marks, server, this.#options);
    return known ?? (await this.#topics.gap(await this.#published(signal)));
  }

  async #beginAnew(
    old: readonly FeedConnector[],
    reason: string,
    signal: AbortSignal,
  ): Promise<{ readonly current: FeedConnector; readonly done: string }> {
    const { slot, publication, connector } = this.#options;
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
    await this.#topics.ensure(await this.#published(signal));
    await replaceSlot(this.#database, slot, signal);
    // 4. A connector under another name: it must not go on from the other one's offsets.
    const server = await this.#server(signal);
    const nowMs = Date.now();
    const marks: FeedMarks = {
      incarnation: (old[0]?.marks.incarnation ?? 0) + 1,
      ...{ incarnationReason: reason, incarnationAtMs: nowMs, anewReason: null },
      ...{ systemId: server.systemId, timeline: server.timeline, publicationId: server.publicationId ?? '' },
    };
    const name = `${connector}.${nowMs}`;
    const config = await this.#render({ name, marks }, await this.#published(signal), signal);
    await this.#connect.putConfig(name, config, signal);
    // 5. What is asked of it now will come: only then the old one, and what it announces, goes.
    const current = await this.#finishReplacing(name, signal);
    return { current, done: `the feed began anew, as incarnation ${marks.incarnation}: ${reason}` };
  }

  async #finishReplacing(name: string, signal: AbortSignal): Promise<FeedConnector> {
    await this.#untilReady(name, null, signal);
    for (const other of await this.#connectors(signal)) {
      if (other.name !== name) await this.#connect.remove(other.name, signal);
    }
    const current = (await this.#connectors(signal)).find((each) => each.name === name);
    if (!current) throw new ConnectError('connector-not-ready', `The connector "${name}" was removed.`);
    return current;
  }

  /** Gives the connector these tables, where it has others, starts what failed, and waits until it reads the slot. */
  async #reconcile(current: FeedConnector, tables: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#topics.ensure(tables);
    const wanted = await this.#render(current, tables, signal);
    const same = isSame(current.config, wanted);
    // Another process must read the slot than the one that read it under the old settings.
    const oldReader = same ? null : (await this.#server(signal)).slot.activePid;
    if (!same) await this.#connect.putConfig(current.name, wanted, signal);
    await this.#untilReady(current.name, oldReader, signal);
  }

  async #render(
    { name, marks }: Pick<FeedConnector, 'name' | 'marks'>,
    tables: readonly string[],
    signal: AbortSignal,
  ): Promise<ConnectorConfig> {
    const generatedColumns = await this.#generatedColumns(tables, signal);
    const settings = { ...this.#options, tables, generatedColumns, offsetsTopic: `${name}-offsets` };
    return { ...renderConnectorConfig(settings), ...renderMarks(marks) };
  }

  /** No connector, though there is a slot of ours: a worker that just came up is asked once more before it is believed. */
  async #isDoubtful(signal: AbortSignal): Promise<boolean> {
    if ((await this.#connectors(signal)).length > 0 || this.#wasAbsent) {
      this.#wasAbsent = false;
      return false;
    }
    this.#wasAbsent = (await this.#server(signal)).slot.isOurs;
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
        const current = (await this.#connectors(signal)).find((each) => each.name === name);
        const { activePid } = (await this.#server(signal)).slot;
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

  async #connectors(signal: AbortSignal): Promise<readonly FeedConnector[]> {
    return ofFeed(await this.#connect.connectors(signal), this.#options.connector);
  }

  async #server(signal: AbortSignal): Promise<FeedServer> {
    return await readFeedServer(this.#database, this.#options, signal);
  }

  async #generatedColumns(tables: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
    const sql = `SELECT n.nspname || '.' || c.relname || '.' || a.attname AS name
      FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE a.attgenerated <> '' AND n.nspname || '.' || c.relname = ANY (ARRAY(
        SELECT jsonb_array_elements_text($1::jsonb)))`;
    const rows = await this.#database.query(sql, [JSON.stringify(tables)], signal);
    return rows.map((row) => row['name'] ?? '');
  }

  async #published(signal: AbortSignal): Promise<readonly string[]> {
    const sql = `SELECT schemaname || '.' || tablename AS name FROM pg_catalog.pg_publication_tables WHERE pubname = $1`;
    const rows = await this.#database.query(sql, [this.#options.publication], signal);
    return rows.map((row) => row['name'] ?? '');
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const changed = this.#changed.then(work);
    this.#changed = changed.catch(() => undefined); // whoever asked for it sees its error
    return changed;
  }
}

/** It writes such names of a table snapshot into its offsets as they are, cannot read them again, and its task stays dead. */
function refuseNames(tables: readonly string[]): void {
  const refused = tables.filter((table) => /[\s"'`,]/.test(table));
  if (refused.length === 0) return;
  const remedy = 'rename it, or use the embedded stack';
  throw new SourceTableError(
    refused.map((table) => ({ table, problem: 'name-for-debezium', remedy }) as const),
  );
}

/** Whether a connector has exactly these settings; its name is among those that Connect tells. */
function isSame(present: ConnectorConfig, wanted: ConnectorConfig): boolean {
  const names = Object.keys(present).filter((key) => key !== 'name');
  return (
    names.length === Object.keys(wanted).length &&
    Object.entries(wanted).every(([key, value]) => present[key] === value)
  );
}

/** A connector says RUNNING before it has its slot, and may fail seconds later: only a slot that is read is a feed. */
export function judge(status: ConnectorStatus | null, slot: Pick<SlotStatus, 'active'>): ConnectorState {
  if (status === null) return { state: 'absent' };
  const parts = [status.connector, ...status.tasks];
  const failed = parts.find(({ state }) => state === 'FAILED');
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
