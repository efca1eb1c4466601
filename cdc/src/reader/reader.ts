import { setTimeout as sleep } from 'node:timers/promises';
import type { Closable, Logger } from '@banyan/kit';
import pg from 'pg';
import { SourceFencedError, type SourceLog, type SourcePosition } from '../bus/bus.ts';
import { isAborted } from '../source/is-aborted.ts';
import { formatLsn } from '../source/lsn.ts';
import { SourceDatabase } from '../source/source-database.ts';
import type { Lsn } from '../source/source.ts';
import { readTableSnapshotHistory } from '../source/table-snapshot-progress.ts';
import type { OpenTableSnapshot } from '../source/table-snapshot-history.ts';
import { parseSnapshot, StreamedTransactions } from '../source/transaction-visibility.ts';
import { FeedTables } from './feed-table.ts';
import { runHeartbeat, VisibleAtHeartbeat } from './heartbeat.ts';
import { evictOtherReader, prepareSource } from './prepare-source.ts';
import { ReaderStoppedError } from './reader-error.ts';
import { ReplicationStream, StreamLostError } from './replication-stream.ts';
import { StepTranslator } from './step-records.ts';
import { TableSnapshots, type TableSnapshotsOptions } from './table-snapshots.ts';
import { TransactionAssembler, type StreamStep } from './transaction-assembler.ts';
import { fillUnchangedToast } from './unchanged-toast.ts';

export interface ReaderOptions extends Pick<
  TableSnapshotsOptions,
  'chunkRows' | 'maxBacklogBytes' | 'storeTargetMs' | 'whenRoom'
> {
  /** PostgreSQL's URL of a role with REPLICATION that may read the tables. */
  readonly sourceUrl: string;
  /** Where records and position are stored. Not closed by the reader. */
  readonly log: SourceLog;
  /** Topic prefix, e.g. `shop`. */
  readonly prefix: string;
  /** Replication slot; also the source's name on the bus. Made when missing and nothing is stored yet. */
  readonly slot: string;
  /** Publication. Made when missing and nothing is stored yet. */
  readonly publication: string;
  /** Default 1,000. */
  readonly heartbeatIntervalMs?: number;
  readonly logger: Logger;
  /** Stops the reader like `close()`. */
  readonly signal?: AbortSignal;
}

export interface ReaderStatus {
  readonly state: 'connecting' | 'streaming' | 'stopped';
  /** Why it is not streaming, for people; null while it is. */
  readonly problem: string | null;
  readonly epoch: number | null;
  /** End of the last transaction stored; null before the first connection. */
  readonly storedLsn: Lsn | null;
  readonly confirmedLsn: Lsn | null;
  /** End of the WAL that the server has told of. */
  readonly receivedLsn: Lsn | null;
  /** When the server was last heard, and what the last stored heartbeat says; milliseconds since the epoch. */
  readonly heardAtMs: number | null;
  readonly heartbeatAtMs: number | null;
  readonly tableSnapshots: readonly OpenTableSnapshot[];
}

/** A running reader of one slot. */
export interface Reader extends Closable {
  status(): ReaderStatus;
  /** Resolves when reading has ended: null after `close()`, else why it stopped for good. Never rejects. */
  readonly stopped: Promise<ReaderStoppedError | SourceFencedError | null>;
}

/** Rows (with their transactions' ends) stored at once, unless one transaction alone has more. */
const MAX_BATCH_ROWS = 2_000;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;

/**
 * Starts to read a slot into the bus. Resolves when it streams, or when the source cannot be reached for now (it goes
 * on trying).
 *
 * @throws ReaderStoppedError when going on from the stored position would lose something, or the server refuses us.
 * @example
 * const reader = await startReader({ sourceUrl, log, prefix: 'shop', slot: 'banyan', publication: 'banyan', logger });
 */
export async function startReader(options: ReaderOptions): Promise<Reader> {
  const reader = new WalReader(options);
  const error = await Promise.race([reader.firstAttempt, reader.stopped]);
  if (error) {
    await reader.close();
    throw error;
  }
  return reader;
}

class WalReader implements Reader {
  readonly stopped: Promise<ReaderStoppedError | SourceFencedError | null>;
  readonly #options: ReaderOptions;
  readonly #database: SourceDatabase;
  readonly #tables: FeedTables;
  readonly #snapshots: TableSnapshots;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #firstAttempt = Promise.withResolvers<null>();
  readonly #background: Promise<void>[] = [];
  #transactions = new StreamedTransactions();
  readonly #visible = new VisibleAtHeartbeat();
  #databaseName = '';
  #stream: ReplicationStream | null = null;
  #position: SourcePosition | null = null;
  #state: ReaderStatus['state'] = 'connecting';
  #problem: string | null = null;
  #heartbeatAtMs: number | null = null;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(options: ReaderOptions) {
    const { sourceUrl: url, slot, prefix, publication, logger } = options;
    this.#options = options;
    this.#signal = options.signal ? AbortSignal.any([options.signal, this.#stop.signal]) : this.#stop.signal;
    this.#database = new SourceDatabase({ url, name: `banyan reader ${slot}` });
    this.#tables = new FeedTables({ prefix, database: this.#database });
    this.#snapshots = new TableSnapshots({
      ...options,
      database: this.#database,
      types: this.#tables.types,
      publication,
      context: () => ({ prefix, database: this.#databaseName }),
      transactions: () => this.#transactions,
      logger,
      backlogBytes: () => this.#backlogBytes,
    });
    this.stopped = this.#run();
  }

  get #backlogBytes(): number {
    const received = this.#stream?.receivedLsn ?? 0n;
    return Math.max(0, Number(received - (this.#position?.lsn ?? received)));
  }

  get firstAttempt(): Promise<null> {
    return this.#firstAttempt.promise;
  }

  status(): ReaderStatus {
    const stream = this.#stream;
    return {
      state: this.#state,
      problem: this.#problem,
      epoch: this.#position?.epoch ?? null,
      storedLsn: this.#position ? formatLsn(this.#position.lsn) : null,
      confirmedLsn: stream ? formatLsn(stream.confirmedLsn) : null,
      receivedLsn: stream ? formatLsn(stream.receivedLsn) : null,
      heardAtMs: stream?.heardAtMs ?? null,
      heartbeatAtMs: this.#heartbeatAtMs,
      tableSnapshots: [...this.#snapshots.open],
    };
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('The reader was closed.'));
    await this.stopped;
  }

  async #run(): Promise<ReaderStoppedError | SourceFencedError | null> {
    let end: ReaderStoppedError | SourceFencedError | null = null;
    while (!this.#signal.aborted && !end) {
      try {
        await this.#read();
      } catch (error) {
        end = isAborted(this.#signal) ? null : this.#judge(error as Error);
      }
      this.#stream?.close();
      this.#snapshots.abandonChunks();
      if (!end && !isAborted(this.#signal)) await this.#pause();
    }
    this.#state = 'stopped';
    this.#stop.abort(end ?? new Error('The reader has stopped.'));
    await Promise.all(this.#background);
    await this.#database.close();
    return end;
  }

  /** Says what went wrong. @returns the error when it is one to stop at. */
  #judge(error: Error): ReaderStoppedError | SourceFencedError | null {
    const { logger, slot } = this.#options;
    this.#problem = error.message;
    const fatal = finalError(error);
    if (fatal) {
      logger.fatal({ err: error, code: fatal.code, slot }, 'the reader has stopped');
      return fatal;
    }
    this.#state = 'connecting';
    logger.warn({ err: error, slot, pauseMs: this.#pauseMs }, 'reading was interrupted; connecting again');
    return null;
  }

  async #pause(): Promise<void> {
    this.#firstAttempt.resolve(null);
    await sleep(this.#pauseMs, undefined, { signal: this.#signal }).catch(() => undefined); // aborted: the loop ends
    this.#pauseMs = Math.min(this.#pauseMs * 2, LAST_PAUSE_MS);
  }

  /** One connection, from its making to its loss. */
  async #read(): Promise<void> {
    const { sourceUrl: url, slot, publication } = this.#options;
    const stream = await ReplicationStream.connect({ url, slot });
    this.#stream = stream;
    const onAbort = (): void => stream.close();
    this.#signal.addEventListener('abort', onAbort, { once: true });
    try {
      this.#signal.throwIfAborted();
      const position = await this.#takePosition(stream);
      await evictOtherReader({ database: this.#database, slot, signal: this.#signal });
      await stream.start({ publication, start: position.lsn });
      this.#state = 'streaming';
      this.#problem = null;
      this.#options.logger.info(
        { slot, epoch: position.epoch, lsn: formatLsn(position.lsn) },
        'streaming from the stored position',
      );
      this.#startBackground();
      this.#firstAttempt.resolve(null);
      await this.#pump(stream, position);
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
    }
  }

  /** Where to go on from: checked against the server, and ours alone. */
  async #takePosition(stream: ReplicationStream): Promise<SourcePosition> {
    const { log, slot, publication } = this.#options;
    const server = await stream.identify();
    this.#databaseName = server.database;
    const stored = await log.sourcePosition(slot);
    if (this.#position && stored?.epoch !== this.#position.epoch) {
      throw new SourceFencedError(`Another reader has taken over the source "${slot}". This one stops.`);
    }
    const start = await prepareSource({
      database: this.#database,
      slot,
      publication,
      server,
      stored,
      signal: this.#signal,
    });
    if (this.#position && stored) {
      await this.#restoreTableSnapshots();
      this.#position = stored;
      return stored;
    }
    // From here on an older reader cannot store anything; what it has stored, we go on from.
    const { systemId, timeline } = server;
    const position = await log.takeOver(slot, { systemId, timeline, lsn: start });
    await this.#inherit();
    this.#position = position;
    return position;
  }

  /** What the reader before us knew and we need. */
  async #inherit(): Promise<void> {
    const rows = await this.#database.query(
      'SELECT pg_current_snapshot()::text AS snapshot, pg_current_xact_id()::text AS next',
      [],
      this.#signal,
    );
    const snapshot = parseSnapshot(rows[0]?.['snapshot'] ?? '');
    // It may have streamed a transaction that is not visible yet: any that has not ended counts as such.
    const unfinished = [...snapshot.running];
    for (let xid = snapshot.xmax; xid < BigInt(rows[0]?.['next'] ?? '0'); xid += 1n) unfinished.push(xid);
    this.#transactions = new StreamedTransactions(unfinished);
    await this.#restoreTableSnapshots();
  }

  async #restoreTableSnapshots(): Promise<void> {
    const { log: bus, prefix } = this.#options;
    const history = await readTableSnapshotHistory({ bus, prefix, signal: this.#signal });
    this.#snapshots.restore(history.open());
  }

  #startBackground(): void {
    if (this.#background.length > 0) return;
    const { heartbeatIntervalMs: intervalMs = 1_000, logger } = this.#options;
    this.#background.push(
      this.#snapshots.run(this.#signal),
      runHeartbeat({
        database: this.#database,
        intervalMs,
        onWritten: (heartbeat) => this.#visible.write(heartbeat),
        logger,
        signal: this.#signal,
      }),
    );
  }

  /** Stores what comes, until the stream breaks. */
  async #pump(stream: ReplicationStream, from: SourcePosition): Promise<never> {
    const assembler = new TransactionAssembler((oid) => this.#tables.get(oid));
    const translator = new StepTranslator({
      context: { prefix: this.#options.prefix, database: this.#databaseName },
      snapshots: this.#snapshots,
      transactions: this.#transactions,
      visible: this.#visible,
      logger: this.#options.logger,
    });
    let position = from;
    for (;;) {
      let steps: StreamStep[] = [];
      let rows = 0;
      for (const event of await stream.next(this.#signal)) {
        if (event.kind === 'wal' && (event.message.kind === 'relation' || event.message.kind === 'type')) {
          await this.#tables.add(event.message, this.#signal);
        }
        const step = assembler.push(event);
        // Stored already: the server may send again what ended before the position it was given.
        if (!step || step.lsn <= position.lsn) continue;
        steps.push(step);
        rows += step.kind === 'transaction' ? step.changes.length : 1;
        if (rows < MAX_BATCH_ROWS) continue;
        position = await this.#store(stream, { steps, translator, position });
        steps = [];
        rows = 0;
      }
      if (steps.length > 0) position = await this.#store(stream, { steps, translator, position });
    }
  }

  async #store(
    stream: ReplicationStream,
    batch: { steps: readonly StreamStep[]; translator: StepTranslator; position: SourcePosition },
  ): Promise<SourcePosition> {
    const { log, slot: source } = this.#options;
    const { steps, translator, position } = batch;
    await fillUnchangedToast(
      steps.filter((step) => step.kind === 'transaction'),
      this.#database,
      this.#signal,
    );
    const { records, lsn, heartbeatMs, onStored } = translator.translate(steps, position.lsn);
    // 1. Store: records and position together, so that each change is on the bus once, whenever we die.
    const { epoch, lsn: expectedLsn } = position;
    await log.appendAt(records, { source, epoch, expectedLsn, lsn }, this.#signal);
    const stored = { ...position, lsn, heardAtMs: Date.now() };
    this.#position = stored;
    // 2. Confirm what is stored, and nothing else: the server forgets it now.
    stream.confirm(lsn);
    // 3. Only then go on with what rests on it.
    onStored();
    if (heartbeatMs !== null) this.#heartbeatAtMs = heartbeatMs;
    this.#pauseMs = FIRST_PAUSE_MS;
    return stored;
  }
}

/** Errors that trying again cannot mend. */
function finalError(error: Error): ReaderStoppedError | SourceFencedError | null {
  if (error instanceof ReaderStoppedError || error instanceof SourceFencedError) return error;
  const cause = error instanceof StreamLostError ? error.cause : error;
  // 0A: not supported (e.g. wal_level). 28: authorization. 3D: no such database. 42: privilege, missing object.
  if (cause instanceof pg.DatabaseError && /^(0A|28|3D|42)/.test(cause.code ?? '')) {
    return new ReaderStoppedError('source-refused', `The source refuses the reader: ${cause.message}.`, {
      cause,
    });
  }
  return null;
}
