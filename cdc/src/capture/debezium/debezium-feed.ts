import { quoteName } from '../../rows/table-name.ts';
import { parseLsn } from '../../rows/lsn.ts';
import { SourceDatabase } from '../postgres/source-database.ts';
import { dropSlotInUse } from '../feed/replication-slot.ts';
import { SourceTableError } from '../feed/source-table-error.ts';
import { FeedColumnSetting, type CarriedTable } from '../feed/feed-columns.ts';
import type { FeedPosition } from '../feed/feed-history.ts';
import { requestTableSnapshot, stopTableSnapshots } from '../feed/signal-table.ts';
import type { PostgresSource } from '../feed/postgres-source.ts';
import type { SourceTable, TableFeed } from '../feed/table-feed.ts';
import { ConnectClient } from './connect-client.ts';
import type { FeedConnector } from './feed-connectors.ts';
import { ConnectorKeeper, type DebeziumFeedOptions } from './connector-keeper.ts';
import { judge, type ConnectorState } from './connector-state.ts';
import { gapOf } from './feed-server.ts';
import { uncarriedColumns } from './uncarried-columns.ts';

export type { DebeziumFeedOptions } from './connector-keeper.ts';
export type { ConnectorState } from './connector-state.ts';

/** A feed whose log Debezium reads, in a Kafka Connect. The publication's changes by others it follows in `mend`. */
export interface DebeziumFeed extends TableFeed {
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

export function createDebeziumFeed(options: DebeziumFeedOptions): DebeziumFeed {
  return new ConnectedFeed(options);
}

class ConnectedFeed implements DebeziumFeed {
  readonly #options: DebeziumFeedOptions;
  readonly #postgres: PostgresSource;
  readonly #database: SourceDatabase;
  readonly #connect: ConnectClient;
  readonly #keeper: ConnectorKeeper;
  readonly #columns: FeedColumnSetting;
  /** Changes of the connector, one after another. */
  #changed: Promise<unknown> = Promise.resolve();

  constructor(options: DebeziumFeedOptions) {
    const { url, statementTimeoutMs = 15_000 } = options;
    this.#options = options;
    this.#database = new SourceDatabase({
      url,
      name: 'banyan control',
      statementTimeoutMs,
      maxConnections: 2,
    });
    this.#connect = new ConnectClient(options.connectUrl);
    this.#keeper = new ConnectorKeeper(options, { database: this.#database, connect: this.#connect });
    this.#columns = new FeedColumnSetting(this.#database);
    this.#postgres = options.postgres;
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#change(async () => {
      const { current } = await this.#keeper.ensureConnector(signal);
      await this.#keeper.reconcile(current, await this.#keeper.published(signal), signal);
    });
  }

  async mend(signal: AbortSignal): Promise<string | null> {
    return await this.#change(() => this.#keeper.mend(signal));
  }

  async describeTables(tables: readonly string[], signal: AbortSignal): Promise<readonly SourceTable[]> {
    const [described, uncarried] = await Promise.all([
      this.#postgres.describeTables(tables, signal),
      uncarriedColumns(this.#database, tables, signal),
    ]);
    return described.map((table) => ({ ...table, uncarried: uncarried.get(table.name) ?? {} }));
  }

  requestTableSnapshot(tables: readonly string[], signal: AbortSignal): Promise<string> {
    return requestTableSnapshot(this.#database, tables, signal);
  }

  stopTableSnapshots(tables: readonly string[], signal: AbortSignal): Promise<void> {
    return stopTableSnapshots(this.#database, tables, signal);
  }

  async ensureTables(tables: readonly CarriedTable[], signal: AbortSignal): Promise<void> {
    const names = tables.map(({ name }) => name);
    // Refuses unfit tables before anything is changed.
    refuseNames(names);
    refuseColumns(await this.#postgres.describeTables(names, signal));
    await this.#change(async () => {
      const { current } = await this.#keeper.ensureConnector(signal);
      refuseLeftOut(names, current, this.#options.outboxTable);
      // 1. What is to be carried is kept. 2. The connector takes it, 3. the publication sends it: the other way round it
      // would pass over changes.
      await this.#columns.add(tables, signal);
      await this.#keeper.reconcile(current, [...(await this.#keeper.published(signal)), ...names], signal);
      await this.#postgres.ensureTables(tables, signal);
    });
  }

  async carryOnly(tables: readonly CarriedTable[], signal: AbortSignal): Promise<void> {
    await this.#change(async () => {
      // Whatever else is wrong with the connector comes first: one that is about to be replaced takes no settings.
      await this.#keeper.mend(signal);
      await this.#columns.set(tables, signal);
      const [current] = await this.#keeper.connectors(signal);
      if (current) await this.#keeper.reconcile(current, await this.#keeper.published(signal), signal);
    });
  }

  async removeTables(tables: readonly string[], signal: AbortSignal): Promise<void> {
    await this.#change(async () => {
      await this.#postgres.removeTables(tables, signal);
      await this.#keeper.forget(tables, signal);
      const [current] = await this.#keeper.connectors(signal);
      if (current) await this.#keeper.reconcile(current, await this.#keeper.published(signal), signal);
    });
  }

  async state(signal: AbortSignal): Promise<ConnectorState> {
    const [current] = await this.#keeper.connectors(signal);
    return judge(current?.status ?? null, await this.#postgres.slotStatus(signal));
  }

  async feedPosition(signal: AbortSignal): Promise<Omit<FeedPosition, 'heardAtMs'> | null> {
    // In this order: a connector that is of an incarnation, and not to be replaced, after the server was as that
    // incarnation has it, says that up to that look at the server there was no other one.
    const server = await this.#keeper.server(signal);
    const connectors = await this.#keeper.connectors(signal);
    const [current] = connectors;
    if (!current) {
      // Why there is none, where that is known.
      await this.#keeper.refuseSharedTopics([], signal);
      return null;
    }
    const { incarnation, incarnationReason, incarnationAtMs } = current.marks;
    const announced = connectors.find(({ marks }) => marks.anewReason !== null);
    const state = judge(current.status, { active: server.slot.activePid !== null });
    const { confirmedFlushLsn } = server.slot;
    return {
      incarnation,
      incarnationReason,
      incarnationAtMs,
      lsn: confirmedFlushLsn === null ? null : parseLsn(confirmedFlushLsn),
      anewReason: announced?.marks.anewReason ?? gapOf(current.marks, server, this.#options),
      failure: state.state === 'failed' ? `the connector has failed: ${state.reason}` : null,
    };
  }

  async pause(signal: AbortSignal): Promise<void> {
    const [current] = await this.#keeper.connectors(signal);
    if (current) await this.#connect.pause(current.name, signal);
  }

  async resume(signal: AbortSignal): Promise<void> {
    const [current] = await this.#keeper.connectors(signal);
    if (current) await this.#connect.resume(current.name, signal);
  }

  async remove(signal: AbortSignal): Promise<void> {
    const { slot, publication } = this.#options;
    await this.#change(async () => {
      for (const { name } of await this.#keeper.connectors(signal)) await this.#keeper.remove(name, signal);
      await dropSlotInUse({ database: this.#database, slot, signal });
      await this.#database.query(`DROP PUBLICATION IF EXISTS ${quoteName(publication)}`, [], signal);
    });
  }

  close(): Promise<void> {
    return this.#database.close();
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const changed = this.#changed.then(work);
    this.#changed = changed.catch(() => undefined); // whoever asked for it sees its error
    return changed;
  }
}

/** Until somebody has taken them out, and with that has seen why: each time they came in the feed would stand still for all. */
function refuseLeftOut(
  tables: readonly string[],
  { marks }: FeedConnector,
  outboxTable: string | undefined,
): void {
  const refused = tables.filter((table) => table in marks.leftOut);
  if (refused.length === 0) return;
  throw new SourceTableError(
    refused.map((table) => {
      const remedy = table === outboxTable ? OUTBOX_REMEDY : ROW_REMEDY;
      return { table, problem: 'record-too-large', found: marks.leftOut[table] ?? '', remedy } as const;
    }),
  );
}

const ROW_REMEDY =
  'make the row smaller, delete it, or map fewer columns; then `banyan rollback` and `banyan advance` of each slice that has it';
const OUTBOX_REMEDY =
  'delete the row, or make its payload smaller; then `banyan feed readmit --reason "..."`. Events that were written meanwhile come with a table snapshot of the outbox, as long as their rows are there';

/** It writes such names of a table snapshot into its offsets as they are, cannot read them again, and its task stays dead. */
function refuseNames(tables: readonly string[]): void {
  const refused = tables.filter((table) => /[\s"'`,]/.test(table));
  if (refused.length === 0) return;
  const remedy = 'rename it, or use the embedded stack';
  throw new SourceTableError(
    refused.map((table) => ({ table, problem: 'name-for-debezium', remedy }) as const),
  );
}

/** It refuses to read such a table, whether the columns are carried or not, and its task stays dead. */
function refuseColumns(tables: readonly SourceTable[]): void {
  const problems = tables.flatMap(({ name, columns }) => {
    const alike = Map.groupBy(Object.keys(columns), (column) => column.toLowerCase());
    const found = [...alike.values()].filter(({ length }) => length > 1).map((names) => names.join(' and '));
    if (found.length === 0) return [];
    const remedy = 'rename one of them, or use the embedded stack';
    return [{ table: name, problem: 'columns-for-debezium', found: found.join('; '), remedy } as const];
  });
  if (problems.length > 0) throw new SourceTableError(problems);
}
