import { timingSafeEqual, createHash } from 'node:crypto';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { RequestHandler } from 'express';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:http';

export interface Listening {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Refuses new connections, lets requests in flight finish for `graceMs`, then ends them. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts an HTTP server. Listens on loopback unless told otherwise.
 *
 * @param options.port 0 for a free one.
 * @param options.host Default 127.0.0.1.
 * @param options.graceMs How long requests in flight may go on at `close()`. Default 5,000.
 * @throws Error with code EADDRINUSE when the port is taken.
 */
export async function listen(
  handler: RequestListener,
  options: { readonly port: number; readonly host?: string; readonly graceMs?: number },
): Promise<Listening> {
  const { port, host = '127.0.0.1', graceMs = 5_000 } = options;
  const server = createServer(handler);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${host}:${address.port}`,
    port: address.port,
    server,
    close() {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), graceMs).unref();
      });
      return closed;
    },
  };
}

/** Compares two secrets in a time that does not depend on where they differ. */
export function isSameSecret(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** True when the header is `Bearer <token>` (RFC 6750). */
export function hasBearer(authorization: string | undefined, token: string): boolean {
  return authorization !== undefined && isSameSecret(authorization, `Bearer ${token}`);
}

/** Express middleware: 401 unless the request carries `Authorization: Bearer <token>`. */
export function requireBearer(token: string): RequestHandler {
  return (request, response, next) => {
    if (hasBearer(request.headers.authorization, token)) {
      next();
      return;
    }
    response
      .status(401)
      .set('www-authenticate', 'Bearer')
      .json({
        error: { code: 'unauthorized', message: 'This address wants a bearer token.' },
      });
  };
}
