import pg from 'pg';
import { SESSION_SETTINGS } from '../../rows/session-settings.ts';

/** All values as text, as the replication stream has them. */
const textTypes = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig;

export type TextRow = Readonly<Record<string, string | null>>;

/** Asks one connection. Values come as PostgreSQL's text. */
export type AskDatabase = (sql: string, values?: readonly unknown[]) => Promise<readonly TextRow[]>;

/**
 * How every connection to the source is made: session settings, TCP keepalive, deadlines.
 *
 * @param options.url PostgreSQL's URL; its own `options` are kept.
 * @param options.name Shown in `pg_stat_activity`.
 */
export function sourceConnection(options: { readonly url: string; readonly name: string }): pg.ClientConfig {
  const url = new URL(options.url);
  const own = url.searchParams.get('options') ?? '';
  const ours = SESSION_SETTINGS.map((setting) => `-c ${setting}`).join(' ');
  url.searchParams.set('options', `${own} ${ours}`.trim());
  return {
    connectionString: url.href,
    application_name: options.name,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
    types: textTypes,
  };
}

/** A few connections to the source for questions beside the stream. */
export class SourceDatabase {
  readonly #pool: pg.Pool;
  #versionNumber: number | undefined;
  #closed: Promise<void> | undefined;

  /**
   * @param options.maxConnections Default 3.
   * @param options.statementTimeoutMs Deadline of one statement. Default 30,000.
   */
  constructor(options: {
    readonly url: string;
    readonly name: string;
    readonly maxConnections?: number;
    readonly statementTimeoutMs?: number;
  }) {
    const { statementTimeoutMs = 30_000, maxConnections = 3 } = options;
    this.#pool = new pg.Pool({
      ...sourceConnection(options),
      max: maxConnections,
      statement_timeout: statementTimeoutMs,
      // The server's own deadline comes first; this one is for a server that does not answer at all.
      query_timeout: statementTimeoutMs + 5_000,
    });
    // Somebody listens from the first moment on: the server's last word may come in one piece with its first, before
    // whoever waits for the connection has it, and an error that nobody hears ends the process.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
    this.#pool.on('error', () => {
      // an idle connection was lost: the pool has dropped it already, and the next question makes another
    });
  }

  /** Asks one question. @throws the driver's error, or the signal's reason. */
  query(sql: string, values: readonly unknown[], signal: AbortSignal): Promise<readonly TextRow[]> {
    return this.onConnection((ask) => ask(sql, values), signal);
  }

  /** Runs `work` in one transaction; `begin` may say more, e.g. `BEGIN ISOLATION LEVEL REPEATABLE READ`. */
  transaction<T>(
    options: { readonly begin?: string; readonly signal: AbortSignal },
    work: (ask: AskDatabase) => Promise<T>,
  ): Promise<T> {
    return this.onConnection(async (ask) => {
      await ask(options.begin ?? 'BEGIN');
      try {
        const result = await work(ask);
        await ask('COMMIT');
        return result;
      } catch (error) {
        await ask('ROLLBACK').catch(() => undefined); // the first error says more
        throw error;
      }
    }, options.signal);
  }

  /** Lends one connection. When the signal aborts, the connection is cut, and what waits on it fails. */
  async onConnection<T>(work: (ask: AskDatabase) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const client = await this.#pool.connect();
    let lost: Error | undefined;
    const onError = (error: Error): void => {
      lost ??= error;
    };
    let released = false;
    const release = (error?: Error): void => {
      if (!released) client.release(error);
      released = true;
    };
    const onAbort = (): void => release(new Error('The question was aborted.'));
    client.on('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      return await work(async (sql, values = []) => {
        const result = await client.query<TextRow>(sql, [...values]);
        return result.rows;
      });
    } catch (error) {
      signal.throwIfAborted();
      // A server's own error leaves the connection good; without SQLSTATE it was lost or did not answer.
      if (!(error instanceof pg.DatabaseError)) lost ??= error as Error;
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      release(lost);
      client.removeListener('error', onError);
    }
  }

  /** `server_version_num`, e.g. 180004. */
  async versionNumber(signal: AbortSignal): Promise<number> {
    if (this.#versionNumber === undefined) {
      const rows = await this.query('SHOW server_version_num', [], signal);
      this.#versionNumber = Number(rows[0]?.['server_version_num']);
    }
    return this.#versionNumber;
  }

  close(): Promise<void> {
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }
}
