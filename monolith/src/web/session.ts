import connectPgSimple from 'connect-pg-simple';
import type { Request, RequestHandler } from 'express';
import session from 'express-session';
import pg from 'pg';
import type { Logger } from 'pino';
import { CONNECT_TIMEOUT_MS, STATEMENT_TIMEOUT_MS } from '../database/open-database.ts';

declare module 'express-session' {
  interface SessionData {
    /** Who is signed in. */
    customerId: string;
    /** The cart of a visitor who is not. */
    cartId: string;
  }
}

/** Name of the session's cookie: HttpOnly, SameSite=Lax, signed. */
export const SESSION_COOKIE = 'shop.sid';
const SESSION_DAYS = 30;

export interface SessionOptions {
  readonly databaseUrl: string;
  /** Signs the cookie. At least 16 characters. */
  readonly secret: string;
  readonly logger: Logger;
}

export interface Sessions {
  readonly middleware: RequestHandler;
  /** Ends the store and its connections. Idempotent. */
  close(): Promise<void>;
}

/** Sessions in the table `session`, over a small pool of their own that outlives restarts of PostgreSQL. */
export function openSessions({ databaseUrl, secret, logger }: SessionOptions): Sessions {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: 'shop-sessions',
    max: 5,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS + 2_000,
    keepAlive: true,
  });
  // Without a listener the end of an idle connection would end the process.
  pool.on('error', (error) => logger.warn({ err: error }, 'An idle connection of the session store ended.'));
  const Store = connectPgSimple(session);
  const store = new Store({
    pool,
    tableName: 'session',
    // Sessions run out 30 days after they last changed; a write per page view would buy little.
    disableTouch: true,
    errorLog: (...details: unknown[]) => logger.error({ details }, 'Session store'),
  });
  let closed: Promise<void> | undefined;
  return {
    middleware: session({
      store,
      name: SESSION_COOKIE,
      secret,
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', secure: 'auto', maxAge: SESSION_DAYS * 86_400_000 },
    }),
    close() {
      if (!closed) {
        // Only ends its timer: the pool is ours.
        store.close();
        closed = pool.end();
      }
      return closed;
    },
  };
}

function settle(run: (done: (error: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => {
      if (!error) resolve();
      else reject(error instanceof Error ? error : new Error('The session store failed.', { cause: error }));
    });
  });
}

/** A new session id, with nothing of the old session: a stranger's planted id must not become a customer's. */
export const renewSession = (req: Request): Promise<void> => settle((done) => req.session.regenerate(done));

/** Stores the session now, so that the next request (after a redirect) is sure to see it. */
export const saveSession = (req: Request): Promise<void> => settle((done) => req.session.save(done));

/** Forgets the session on the server. */
export const endSession = (req: Request): Promise<void> => settle((done) => req.session.destroy(done));
