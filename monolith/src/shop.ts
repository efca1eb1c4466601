import { createServer, type Server } from 'node:http';
import { isIPv6, type AddressInfo } from 'node:net';
import type { Express } from 'express';
import { pino, type Logger } from 'pino';
import { migrate } from './database/migrate.ts';
import { openDatabase, type ShopDatabase } from './database/open-database.ts';
import { openLog } from './open-log.ts';
import { seedShop, type SeedSize } from './seed/seed-shop.ts';
import { createApp } from './web/app.ts';
import { openSessions } from './web/session.ts';

const DRAIN_TIMEOUT_MS = 8_000;

export interface ShopOptions {
  readonly databaseUrl: string;
  /** Signs the session cookie. At least 16 characters. */
  readonly sessionSecret: string;
  /** How much to seed into an empty catalog; null (default) seeds nothing. */
  readonly seed?: SeedSize | null;
  /** Whose X-Forwarded-* headers are believed: Express's "trust proxy". Default 'loopback'. */
  readonly trustProxy?: boolean | string;
  /** Default: warnings and errors to standard error. */
  readonly logger?: Logger;
}

export interface Shop {
  readonly app: Express;
  readonly database: ShopDatabase;
  /** Starts to serve; port 0 takes a free one. @returns the port and the address to open. */
  listen(at: { readonly port: number; readonly host?: string }): Promise<{ port: number; url: string }>;
  /** Finishes what is being answered (at most 8 s), then closes every connection. Idempotent. */
  close(): Promise<void>;
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), DRAIN_TIMEOUT_MS);
    server.close(() => {
      clearTimeout(force);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/**
 * A shop on a database: brings the schema up to date, fills an empty catalog if told to, and builds the
 * application. Nothing listens until `listen`.
 * @example const shop = await createShop({ databaseUrl, sessionSecret }); await shop.listen({ port: 0 });
 */
export async function createShop(options: ShopOptions): Promise<Shop> {
  const { databaseUrl, sessionSecret, seed = null, trustProxy = 'loopback' } = options;
  const logger = options.logger ?? pino({ level: 'warn' }, openLog(2));
  await migrate(databaseUrl);
  const database = openDatabase(databaseUrl);
  const sessions = openSessions({ databaseUrl, secret: sessionSecret, logger });
  let server: Server | undefined;
  let closed: Promise<void> | undefined;
  const close = () =>
    (closed ??= (async () => {
      if (server) await stop(server);
      await sessions.close();
      await database.sequelize.close();
    })());
  try {
    if (seed) await seedShop(database, seed);
  } catch (error) {
    await close();
    throw error;
  }
  const app = createApp({ database, sessions: sessions.middleware, trustProxy, logger });
  return {
    app,
    database,
    close,
    async listen({ port, host = '127.0.0.1' }) {
      const listening = createServer((req, res) => void app(req, res));
      server = listening;
      await new Promise<void>((resolve, reject) => {
        listening.once('error', reject);
        listening.listen(port, host, resolve);
      });
      const bound = (listening.address() as AddressInfo).port;
      return { port: bound, url: `http://${isIPv6(host) ? `[${host}]` : host}:${bound}` };
    },
  };
}
