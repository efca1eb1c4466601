import { setTimeout as sleep } from 'node:timers/promises';
import type { SourceFencedError, SourcePosition } from '../../bus/bus.ts';
import { FeedPublication } from '../feed/feed-publication.ts';
import { isAborted } from '../postgres/is-aborted.ts';
import { readMessageContent } from '../feed/logical-message.ts';
import { formatLsn } from '../../rows/lsn.ts';
import { SourceDatabase } from '../postgres/source-database.ts';
import { readTableSnapshotHistory } from '../table-snapshot/table-snapshot-progress.ts';
import type { TableSnapshotHistory } from '../table-snapshot/table-snapshot-history.ts';
import { StreamedTransactions } from '../postgres/transaction-visibility.ts';
import { unfinishedTransactions } from '../postgres/unfinished-transactions.ts';
import { FeedTables, SIGNAL_TABLE, type StreamedTable } from '../wal/feed-table.ts';
import { finalError } from './final-error.ts';
import { runHeartbeat, VisibleAtHeartbeat } from './heartbeat.ts';
import { HistoryChangedError } from '../wal/history-check.ts';
import { createOutboxRouter } from './outbox-event.ts';
import { hasSignalTable, readFeedPublication } from './prepare-source.ts';
import { ReaderStoppedError } from '../feed/reader-error.ts';
import type { Reader, ReaderOptions, ReaderStatus } from './reader-types.ts';
import { evictOtherReader } from '../feed/replication-slot.ts';
import { ReplicationStream } from '../wal/replication-stream.ts';
import { StepTranslator, type StepRecords } from './step-records.ts';
import { TableSnapshots } from '../table-snapshot/table-snapshots.ts';
import { takePosition, type TakenPosition } from './take-position.ts';
import { TransactionAssembler, type StreamStep } from '../wal/transaction-assembler.ts';
import { fillUnchangedToast } from '../wal/unchanged-toast.ts';
import { runWriteGuard } from './write-guard.ts';

export type { Reader, ReaderOptions, ReaderStatus } from './reader-types.ts';

/** Rows, and bytes of the stream, that are stored at once. */
const MAX_BATCH_ROWS = 2_000;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;

/**
 * Starts to read a slot into the bus. Resolves when it streams, or when the source cannot be reached for now (it goes
 * on trying).
 *
 * Where going on from the stored position would lose something, it begins the feed anew, as a new incarnation.
 *
 * @throws ReaderStoppedError when the server refuses us, or lacks what only a person can give.
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
  /** The batch that is being stored; the next one is put together meanwhile. */
  #storing: Promise<void> = Promise.resolve();
  /** Why the feed has to begin anew at the next connection; null when it need not. */
  #brokenBecause: string | null = null;
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
      incarnation: this.#position?.incarnation ?? null,
      incarnationReason: this.#position?.incarnationReason ?? null,
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
    if (error instanceof HistoryChangedError) this.#brokenBecause = error.message;
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
      const { position, sentFrom } = await this.#takePosition(stream);
      // Before the first change comes; what is changed in it from here on, the stream tells.
      await this.#tables.readCarried(this.#signal);
      await evictOtherReader({ database: this.#database, slot, signal: this.#signal });
      await stream.start({ publication, start: sentFrom });
      this.#state = 'streaming';
      this.#problem = null;
      this.#options.logger.info(
        { slot, epoch: position.epoch, incarnation: position.incarnation, lsn: formatLsn(position.lsn) },
        'streaming from the stored position',
      );
      this.#startBackground();
      this.#firstAttempt.resolve(null);
      await this.#pump(stream, position, sentFrom);
    } finally {
      this.#signal.removeEventListener('abort', onAbort);
      // Its outcome decides where the next connection goes on; its error has ended this one, or came after another did.
      await this.#storing.catch(() => undefined);
      this.#storing = Promise.resolve();
    }
  }

  async #takePosition(stream: ReplicationStream): Promise<TakenPosition> {
    const { log, slot, publication, logger, incarnationGapMs = 10_000 } = this.#options;
    const server = await stream.identify();
    this.#databaseName = server.database;
    const held = this.#position;
    const taken = await takePosition({
      log,
      database: this.#database,
      slot,
      publication,
      server,
      held,
      incarnationGapMs,
      logger,
      brokenBecause: this.#brokenBecause,
      abortions: async () => this.#snapshots.abortions((await this.#tableSnapshotHistory()).open()),
      onHeld: (position) => (this.#position = position),
      signal: this.#signal,
    });
    this.#brokenBecause = null;
    if (held?.incarnation !== taken.position.incarnation) {
      // What the reader before us knew and we need.
      this.#transactions = new StreamedTransactions(
        await unfinishedTransactions(this.#database, this.#signal),
      );
    }
    this.#snapshots.restore((await this.#tableSnapshotHistory()).open());
    return taken;
  }

  #tableSnapshotHistory(): Promise<TableSnapshotHistory> {
    const { log: bus, prefix } = this.#options;
    return readTableSnapshotHistory({ bus, prefix, signal: this.#signal });
  }

  /** PostgreSQL 18 sends nothing of a publication that is gone, and says nothing either. */
  async #lookAtPublication(): Promise<void> {
    const { publication } = this.#options;
    try {
      const found = await readFeedPublication({
        database: this.#database,
        publication,
        signal: this.#signal,
      });
      if (found && hasSignalTable(found) && found.id === this.#position?.publicationId) return;
    } catch (error) {
      // Unfit by now: connecting again finds that out too, and stops.
      if (!(error instanceof ReaderStoppedError)) throw error;
    }
    if (this.#state === 'streaming') this.#stream?.interrupt(`the publication ${publication} was changed`);
  }

  #startBackground(): void {
    if (this.#background.length > 0) return;
    const { heartbeatIntervalMs: intervalMs = 1_000, logger } = this.#options;
    this.#background.push(
      this.#snapshots.run(this.#signal),
      runWriteGuard({
        publication: new FeedPublication(this.#database, this.#options.publication),
        intervalMs,
        logger,
        signal: this.#signal,
      }),
      runHeartbeat({
        database: this.#database,
        intervalMs,
        onWritten: (heartbeat) => this.#visible.write(heartbeat),
        look: () => this.#lookAtPublication(),
        logger,
        signal: this.#signal,
      }),
    );
  }

  /** Stores what comes, until the stream breaks. */
  async #pump(stream: ReplicationStream, from: SourcePosition, sentFrom: bigint): Promise<never> {
    const tableOf = (oid: number): StreamedTable => this.#tables.get(oid);
    const assembler = new TransactionAssembler({ tableOf, from, sentFrom });
    const { prefix, outboxTable, logger } = this.#options;
    const translator = new StepTranslator({
      context: { prefix, database: this.#databaseName },
      routeOutbox: createOutboxRouter({ prefix, table: outboxTable }),
      snapshots: this.#snapshots,
      transactions: this.#transactions,
      visible: this.#visible,
      logger,
    });
    let position = from;
    for (;;) {
      let steps: StreamStep[] = [];
      let rows = 0;
      let bytes = 0;
      const events = await Promise.race([stream.next(this.#signal), this.#storing.then(never)]);
      for (const event of events) {
        if (event.kind === 'wal') {
          const { message } = event;
          if (message.kind === 'relation' || message.kind === 'type') {
            await this.#tables.add(message, this.#signal);
          } else if (message.kind === 'message' && isColumnsChanged(message)) {
            await this.#tables.readCarried(this.#signal);
          }
          bytes += event.bytes;
        }
        const step = assembler.push(event);
        if (!step) continue;
        steps.push(step);
        rows += 'changes' in step ? step.changes.length : 1;
        if (rows < MAX_BATCH_ROWS && bytes < MAX_BATCH_BYTES) continue;
        position = await this.#store(stream, { steps, translator, position });
        steps = [];
        rows = 0;
        bytes = 0;
      }
      if (steps.length > 0) position = await this.#store(stream, { steps, translator, position });
      // What was stored and never confirmed, the answer having been lost: nothing new need follow for a long time.
      else if (assembler.hasMetStored) {
        await this.#storing;
        stream.confirm(position.lsn);
      }
    }
  }

  /**
   * Begins to store a batch, once the one before is stored.
   * @param batch.position What the batches before it end with. @returns what this one ends with.
   */
  async #store(
    stream: ReplicationStream,
    batch: { steps: readonly StreamStep[]; translator: StepTranslator; position: SourcePosition },
  ): Promise<SourcePosition> {
    const { steps, translator, position } = batch;
    await fillUnchangedToast(
      steps.filter((step) => 'changes' in step),
      this.#database,
      this.#signal,
    );
    // What rests on stored signals and watermarks is known only once they are stored; rows rest on nothing.
    if (!steps.every(hasRowsAlone)) await this.#storing;
    const translated = translator.translate(steps, position);
    await this.#storing;
    const { lsn, open, witness } = translated;
    const stored = { ...position, lsn, open, witness };
    this.#storing = this.#append(stream, translated, { from: position, to: stored });
    this.#storing.catch(() => undefined); // thrown to whoever waits for it next
    return stored;
  }

  async #append(
    stream: ReplicationStream,
    { records, lsn, open, witness, heartbeatMs, onStored }: StepRecords,
    { from, to }: { readonly from: SourcePosition; readonly to: SourcePosition },
  ): Promise<void> {
    const { log, slot: source } = this.#options;
    // 1. Store: records and position together, so that each change is on the bus once, whenever we die.
    const { epoch, lsn: expectedLsn, open: expectedOpen } = from;
    const move = { source, epoch, expectedLsn, expectedOpen, lsn, open, witness };
    await log.appendAt(records, move, this.#signal);
    this.#position = { ...to, heardAtMs: Date.now() };
    // 2. Confirm what is stored, and nothing else: the server forgets it now. Of a transaction stored in part nothing:
    // the server only knows whole ones, and sends it again from its beginning.
    stream.confirm(lsn);
    // 3. Only then go on with what rests on it.
    onStored();
    if (heartbeatMs !== null) this.#heartbeatAtMs = heartbeatMs;
    this.#pauseMs = FIRST_PAUSE_MS;
  }
}

/** Nothing of these steps has to be stored before what follows them can be translated. */
function hasRowsAlone(step: StreamStep): boolean {
  return 'changes' in step && step.changes.every(({ table }) => table.name !== SIGNAL_TABLE);
}

function isColumnsChanged({
  prefix,
  content,
}: {
  readonly prefix: string;
  readonly content: string;
}): boolean {
  const read = readMessageContent(prefix, content);
  return read !== null && 'feedColumns' in read;
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
