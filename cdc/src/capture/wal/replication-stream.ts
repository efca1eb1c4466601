import pg from 'pg';
import type { Duplex } from 'node:stream';
import { formatLsn, parseLsn } from '../../rows/lsn.ts';
import { decodePgOutput, type PgOutputMessage } from './pgoutput.ts';
import { sourceConnection, type TextRow } from '../postgres/source-database.ts';
import { takeLargeFrames } from './large-frames.ts';
import { decodeWalFrame, encodeStatusUpdate } from './wal-frames.ts';

/** What comes down the stream, in the order of the WAL. */
export type StreamEvent =
  | {
      readonly kind: 'wal';
      readonly walStart: bigint;
      readonly message: PgOutputMessage;
      /** Size of the frame that carried it. */
      readonly bytes: number;
    }
  /** The server has sent everything before `walEnd`, and wants that confirmed (it may be shutting down). */
  | { readonly kind: 'pinged'; readonly walEnd: bigint };

export interface ReplicationStreamOptions {
  /** URL of a role with REPLICATION. */
  readonly url: string;
  readonly slot: string;
  /** How often the server is told what is confirmed. Default 1,000. */
  readonly statusIntervalMs?: number;
  /** The connection is given up when nothing was heard for so long. Default 10,000. */
  readonly silenceTimeoutMs?: number;
  /** Bytes kept in memory before the socket is paused; decoded they take some ten times as much. Default 2 MiB. */
  readonly maxQueuedBytes?: number;
}

/** Which server this is (`IDENTIFY_SYSTEM`). */
export interface ServerIdentity {
  readonly systemId: string;
  readonly timeline: number;
  /** Name of the database that we are connected to. */
  readonly database: string;
  /** End of its WAL. */
  readonly walLsn: bigint;
}

/** The stream broke; reading may go on from the stored position with a new one. */
export class StreamLostError extends Error {
  readonly code = 'stream-lost';
  override readonly name = 'StreamLostError';
}

/** The part of pg's connection that its types leave out. */
interface CopyConnection {
  readonly stream: Duplex;
  on(event: 'copyData', listener: (message: { readonly chunk: Buffer }) => void): void;
  on(event: 'replicationStart', listener: () => void): void;
  sendCopyFromChunk(chunk: Buffer): void;
}

/** How long the server may take to answer a command. */
const COMMAND_TIMEOUT_MS = 15_000;

/**
 * One replication connection: `connect`, `identify`, `start`, then `next` again and again.
 *
 * Confirms only what `confirm()` was told. The server's pings are answered with that same position.
 */
export class ReplicationStream {
  readonly #options: Required<ReplicationStreamOptions>;
  readonly #client: pg.Client;
  readonly #connection: CopyConnection;
  readonly #failed = Promise.withResolvers<never>();
  #events: StreamEvent[] = [];
  #queuedBytes = 0;
  #paused = false;
  #confirmed = 0n;
  #received = 0n;
  #heardAtMs = Date.now();
  #timer: NodeJS.Timeout | undefined;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  private constructor(options: ReplicationStreamOptions) {
    this.#options = {
      statusIntervalMs: 1_000,
      silenceTimeoutMs: 10_000,
      maxQueuedBytes: 2 * 1024 * 1024,
      ...options,
    };
    // pg's types do not know `replication`; it goes into the start-up packet.
    const config = {
      ...sourceConnection({ url: options.url, name: `banyan reader ${options.slot}` }),
      replication: 'database',
    };
    this.#client = new pg.Client(config);
    this.#connection = this.#client.connection as unknown as CopyConnection;
    this.#failed.promise.catch(() => undefined); // whoever waits gets it; nobody may be waiting
  }

  /** @throws StreamLostError with the cause, e.g. the driver's error. */
  static async connect(options: ReplicationStreamOptions): Promise<ReplicationStream> {
    const stream = new ReplicationStream(options);
    stream.#client.on('error', (cause) => stream.#lose(cause));
    stream.#client.on('end', () => stream.#lose(new Error('the server closed the connection')));
    try {
      await Promise.race([stream.#client.connect(), stream.#failed.promise]);
      return stream;
    } catch (cause) {
      stream.#lose(cause as Error);
      return await stream.#failed.promise;
    }
  }

  /** Asks which server this is. @throws StreamLostError */
  async identify(): Promise<ServerIdentity> {
    const rows = await this.#command(
      this.#client.query<TextRow>('IDENTIFY_SYSTEM').then((result) => result.rows),
    );
    return {
      systemId: rows[0]?.['systemid'] ?? '',
      timeline: Number(rows[0]?.['timeline']),
      database: rows[0]?.['dbname'] ?? '',
      walLsn: parseLsn(rows[0]?.['xlogpos'] ?? ''),
    };
  }

  /**
   * Starts to stream.
   *
   * @param options.start First LSN not stored yet: transactions that commit before it are not sent again.
   * @throws StreamLostError
   */
  async start(options: { readonly publication: string; readonly start: bigint }): Promise<void> {
    this.#confirmed = options.start;
    this.#received = options.start;
    this.#readLargeFrames();
    this.#connection.on('copyData', ({ chunk }) => this.#receive(chunk));
    const started = new Promise<void>((resolve) => this.#connection.on('replicationStart', resolve));
    // Settles only when the stream has ended, one way or the other.
    this.#client
      .query(
        `START_REPLICATION SLOT ${pg.escapeIdentifier(this.#options.slot)} LOGICAL ${formatLsn(options.start)} ` +
          `(proto_version '1', messages 'true', ` +
          `publication_names ${pg.escapeLiteral(pg.escapeIdentifier(options.publication))})`,
      )
      .then(
        () => this.#lose(new Error('the server ended it')),
        (cause: unknown) => this.#lose(cause as Error),
      );
    await this.#command(started);
    this.#heardAtMs = Date.now();
    this.#timer = setInterval(() => this.#tick(), this.#options.statusIntervalMs);
  }

  /** End of the WAL that the server has told of. */
  get receivedLsn(): bigint {
    return this.#received;
  }

  get confirmedLsn(): bigint {
    return this.#confirmed;
  }

  /** Bytes that wait for `next()`. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** When anything, a keepalive included, last came from the server. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** Everything that has come since the last call; waits for at least one event. @throws StreamLostError */
  async next(signal: AbortSignal): Promise<readonly StreamEvent[]> {
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      while (this.#events.length === 0) {
        signal.throwIfAborted();
        if (this.#failure) throw this.#failure;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
      const events = this.#events;
      this.#events = [];
      this.#queuedBytes = 0;
      this.#resume();
      return events;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Tells the server that everything before `lsn` is stored: it will not be sent again. */
  confirm(lsn: bigint): void {
    if (lsn <= this.#confirmed) return;
    this.#confirmed = lsn;
    this.#sendStatus(false);
  }

  /** Gives the connection up for a reason, so that it is made anew. */
  interrupt(reason: string): void {
    this.#lose(new Error(reason));
  }

  /** Cuts the connection. Idempotent. */
  close(): void {
    this.#fail(new StreamLostError('The stream was closed.'));
  }

  /** Waits for an answer of the server, at most so long. */
  async #command<T>(answer: Promise<T>): Promise<T> {
    const timer = setTimeout(
      () => this.#lose(new Error(`no answer in ${COMMAND_TIMEOUT_MS} ms`)),
      COMMAND_TIMEOUT_MS,
    );
    try {
      return await Promise.race([answer, this.#failed.promise]);
    } catch (cause) {
      this.#lose(cause as Error);
      return await this.#failed.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Call it while nothing is asked of the server: bytes are taken in from the beginning of a message on. */
  #readLargeFrames(): void {
    const { stream } = this.#connection;
    const [parse, ...others] = stream.listeners('data') as ((bytes: Buffer) => void)[];
    // It is pg's parser; were there others, they would have to see everything.
    if (!parse || others.length > 0) return;
    const take = takeLargeFrames({ pass: parse, onLargeFrame: (payload) => this.#receive(payload) });
    stream.off('data', parse);
    stream.on('data', (bytes: Buffer) => {
      // A large frame may take longer than the server may be silent.
      this.#heardAtMs = Date.now();
      try {
        take(bytes);
      } catch (cause) {
        this.#lose(cause as Error); // thrown on, it would end the process
      }
    });
  }

  #receive(chunk: Buffer): void {
    this.#heardAtMs = Date.now();
    if (this.#failure) return;
    try {
      // Decoded at once: the chunk may be a view of a buffer that pg uses again.
      const frame = decodeWalFrame(chunk);
      if (frame.kind === 'data') {
        const message = decodePgOutput(frame.payload);
        this.#push({ kind: 'wal', walStart: frame.walStart, message, bytes: chunk.length });
        if (frame.walStart > this.#received) this.#received = frame.walStart;
      } else {
        if (frame.walEnd > this.#received) this.#received = frame.walEnd;
        if (frame.replyRequested) {
          this.#sendStatus(false);
          this.#push({ kind: 'pinged', walEnd: frame.walEnd });
        }
      }
    } catch (cause) {
      this.#fail(cause as Error); // a message that we cannot read: going on would lose it
      return;
    }
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes > this.#options.maxQueuedBytes) this.#pause();
  }

  #push(event: StreamEvent): void {
    this.#events.push(event);
    this.#wake?.();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#connection.stream.pause();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#heardAtMs = Date.now(); // while paused we could not hear
    this.#connection.stream.resume();
  }

  #tick(): void {
    const silentMs = Date.now() - this.#heardAtMs;
    if (!this.#paused && silentMs > this.#options.silenceTimeoutMs) {
      this.#lose(new Error(`nothing was heard for ${silentMs} ms`));
      return;
    }
    // Asks for an answer, so that silence means that the server or the way to it is gone.
    this.#sendStatus(true);
  }

  #sendStatus(replyRequested: boolean): void {
    if (this.#failure) return;
    this.#connection.sendCopyFromChunk(
      encodeStatusUpdate({ lsn: this.#confirmed, nowMs: Date.now(), replyRequested }),
    );
  }

  #lose(cause: Error): void {
    this.#fail(
      new StreamLostError(`The stream of slot "${this.#options.slot}" was lost: ${cause.message}`, { cause }),
    );
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#failed.reject(error);
    clearInterval(this.#timer);
    this.#connection.stream.destroy();
    this.#wake?.();
  }
}
