import { setTimeout as delay } from 'node:timers/promises';
import { quoteName, quoteTable } from '../catalog.ts';
import { createPostgresSource } from '../postgres-source.ts';
import { SourceDatabase } from '../source-database.ts';
import type { SlotStatus, Source } from '../source.ts';
import { ConnectClient, type ConnectorStatus } from './connect-client.ts';
import { ConnectError } from './connect-error.ts';
import { renderConnectorConfig, SIGNAL_TABLE, type ConnectorSettings } from './connector-config.ts';

const POLL_MS = 100;

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
  readonly describeTables: Source['describeTables'];
  readonly requestTableSnapshot: Source['requestTableSnapshot'];
  readonly takePosition: Source['takePosition'];
  readonly slotStatus: Source['slotStatus'];
  readonly readPage: Source['readPage'];
  readonly feedMembership: Source['feedMembership'];
  readonly stopTableSnapshots: Source['stopTableSnapshots'];
  readonly walRetention: Source['walRetention'];

  constructor(options: DebeziumSourceOptions) {
    const { url, statementTimeoutMs = 15_000 } = options;
    this.#options = options;
    this.#database = new SourceDatabase({
      url,
      name: 'banyan control',
      statementTimeoutMs,
      maxConnections: 1,
    });
    this.#connect = new ConnectClient(options.connectUrl);
    const postgres = createPostgresSource(options);
    this.#postgres = postgres;
    this.describeTables = (tables, signal) => postgres.describeTables(tables, signal);
    this.requestTableSnapshot = (tables, signal) => postgres.requestTableSnapshot(tables, signal);
    this.takePosition = (signal) => postgres.takePosition(signal);
    this.slotStatus = (signal) => postgres.slotStatus(signal);
    this.readPage = (range, signal) => postgres.readPage(range, signal);
    this.feedMembership = (tables, signal) => postgres.feedMembership(tables, signal);
    this.stopTableSnapshots = (tables, signal) => postgres.stopTableSnapshots(tables, signal);
    this.walRetention = (signal) => postgres.walRetention(signal);
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#ensurePublication(signal);
    await this.#reconcile(await this.#published(signal), signal);
  }

  async ensureTables(tables: readonly string[], signal: AbortSignal): Promise<void> {
    // Refuses unfit tables before anything is changed.
    await this.#postgres.describeTables(tables, signal);
    await this.#ensurePublication(signal);
    // 1. The connector takes them, 2. the publication sends them: the other way round it would pass over changes.
    await this.#reconcile([...(await this.#published(signal)), ...tables], signal);
    await this.#postgres.ensureTables(tables, signal);
  }

  async removeTables(tables: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#postgres.removeTables(tables, signal);
    await this.#reconcile(await this.#published(signal), signal);
  }

  requestRowReread(table: string): Promise<string> {
    // Debezium has no signal for rows that are no longer there.
    const message = `Rows of ${table} cannot be asked for again by their keys while Debezium reads the source.`;
    return Promise.reject(new ConnectError('not-supported', message));
  }

  async state(signal: AbortSignal): Promise<ConnectorState> {
    const name = await this.#name(signal);
    const status = name === null ? null : await this.#connect.status(name, signal);
    return judge(status, await this.slotStatus(signal));
  }

  async pause(signal: AbortSignal): Promise<void> {
    const name = await this.#name(signal);
    if (name !== null) await this.#connect.pause(name, signal);
  }

  async resume(signal: AbortSignal): Promise<void> {
    const name = await this.#name(signal);
    if (name !== null) await this.#connect.resume(name, signal);
  }

  async remove(signal: AbortSignal): Promise<void> {
    const { slot, publication } = this.#options;
    const name = await this.#name(signal);
    if (name !== null) await this.#connect.remove(name, signal);
    while ((await this.slotStatus(signal)).active) await delay(POLL_MS, undefined, { signal });
    const drop = 'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1';
    await this.#database.query(drop, [slot], signal);
    await this.#database.query(`DROP PUBLICATION IF EXISTS ${quoteName(publication)}`, [], signal);
  }

  async close(): Promise<void> {
    await Promise.all([this.#postgres.close(), this.#database.close()]);
  }

  /** Gives the connector these tables, where it has others, starts what failed, and waits until it reads the slot. */
  async #reconcile(tables: readonly string[], signal: AbortSignal): Promise<void> {
    const name = (await this.#name(signal)) ?? `${this.#options.connector}.${Date.now()}`;
    const generatedColumns = await this.#generatedColumns(tables, signal);
    const parts = { tables, generatedColumns, offsetsTopic: `${name}-offsets` };
    const wanted = renderConnectorConfig({ ...this.#options, ...parts });
    const present = await this.#connect.config(name, signal);
    const isSame = Object.entries(wanted).every(([key, value]) => present?.[key] === value);
    const hasMore = Object.keys(present ?? {}).some((key) => key !== 'name' && !(key in wanted));
    // Another process must read the slot than the one that read it under the old settings.
    const oldReader = isSame && !hasMore ? null : await this.#reader(signal);
    if (!isSame || hasMore) await this.#connect.putConfig(name, wanted, signal);
    await this.#untilReady(name, oldReader, signal);
  }

  async #untilReady(name: string, oldReader: string | null, signal: AbortSignal): Promise<void> {
    let last: ConnectorState = { state: 'absent' };
    let restarts = 0;
    for (;;) {
      try {
        last = await this.state(signal);
        if (last.state === 'paused') return;
        if (last.state === 'running' && (await this.#reader(signal)) !== oldReader) return;
        if (last.state === 'failed' && restarts++ === 0) await this.#connect.restartFailed(name, signal);
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

  /** The connector's whole name; null when there is none. */
  async #name(signal: AbortSignal): Promise<string | null> {
    const first = `${this.#options.connector}.`;
    return (await this.#connect.names(signal)).find((name) => name.startsWith(first)) ?? null;
  }

  /** The server's process that feeds the slot; null while nobody reads it. */
  async #reader(signal: AbortSignal): Promise<string | null> {
    const sql = 'SELECT active_pid FROM pg_catalog.pg_replication_slots WHERE slot_name = $1';
    const rows = await this.#database.query(sql, [this.#options.slot], signal);
    return rows[0]?.['active_pid'] ?? null;
  }

  async #ensurePublication(signal: AbortSignal): Promise<void> {
    const { publication } = this.#options;
    const sql = 'SELECT FROM pg_catalog.pg_publication WHERE pubname = $1';
    if ((await this.#database.query(sql, [publication], signal)).length > 0) return;
    await this.#database.query(
      `CREATE PUBLICATION ${quoteName(publication)} FOR TABLE ${quoteTable(SIGNAL_TABLE)}`,
      [],
      signal,
    );
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
}

/** A connector says RUNNING before it has its slot, and may fail seconds later: only a slot that is read is a feed. */
export function judge(status: ConnectorStatus | null, slot: Pick<SlotStatus, 'active'>): ConnectorState {
  if (status === null) return { state: 'absent' };
  const parts = [status.connector, ...status.tasks];
  const failed = parts.find(({ state }) => state === 'FAILED');
  if (failed) return { state: 'failed', reason: firstLine(failed.trace) };
  if (parts.some(({ state }) => state === 'PAUSED' || state === 'STOPPED')) return { state: 'paused' };
  const other = parts.find(({ state }) => state !== 'RUNNING');
  if (other) return { state: 'starting', reason: `Connect says ${other.state}` };
  if (status.tasks.length === 0) return { state: 'starting', reason: 'it has no task yet' };
  if (!slot.active) return { state: 'starting', reason: 'nobody reads its replication slot yet' };
  return { state: 'running' };
}

/** Of a Java trace, without what PostgreSQL says in detail: that quotes values. */
function firstLine(trace = 'Connect does not say why'): string {
  return (trace.split('\n')[0] ?? '').replace(/\s*Detail:.*/, '').slice(0, 300);
}
