import type { IncomingMessage, Server } from 'node:http';
import { isIPv6, type BlockList, type Socket } from 'node:net';
import type { Logger } from '@banyan/kit';
import { clientAddress, isTrusted, peerAddress } from '../forward/client-address.ts';

export interface ClientLimitsOptions {
  /** Requests under way of one client at most; 0 for any number. */
  readonly maxRequests: number;
  /** Connections of one address at most; 0 for any number. */
  readonly maxConnections: number;
  /** Proxies in front: they name the client, and their own connections are not counted. */
  readonly trusted: BlockList | null;
  readonly log: Logger;
}

const WARN_EVERY_MS = 60_000;

/** An IPv4 address; of an IPv6 address its first 64 bits, which one household has to itself. */
function clientKey(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) while (groups.length < 4) groups.push('0');
  // `a:b::c:d:e:f:1` has groups behind the gap that still belong to the first four: rare, and only told apart finer.
  return groups.slice(0, 4).join(':');
}

/** Counts by key, and forgets those that are at nought. */
class Counts {
  readonly #counts = new Map<string, number>();

  /** @returns false when that would be more than `max`. */
  enter(key: string, max: number): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= max) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  leave(key: string): void {
    const count = (this.#counts.get(key) ?? 1) - 1;
    if (count === 0) this.#counts.delete(key);
    else this.#counts.set(key, count);
  }
}

/** Keeps one client from taking every place. */
export class ClientLimits {
  readonly #options: ClientLimitsOptions;
  readonly #requests = new Counts();
  readonly #connections = new Counts();
  #warnedAtMs = Number.NEGATIVE_INFINITY;
  /** Requests and connections turned away since the start. */
  refused = 0;

  constructor(options: ClientLimitsOptions) {
    this.#options = options;
  }

  /** @returns what to call when the request is over; null when its client has too many under way. */
  enter(request: IncomingMessage): (() => void) | null {
    const { maxRequests, trusted } = this.#options;
    if (maxRequests === 0) return () => undefined;
    const key = clientKey(clientAddress(request, trusted));
    if (this.#requests.enter(key, maxRequests)) return () => this.#requests.leave(key);
    this.#refuse(key, `more than ${maxRequests} requests under way`);
    return null;
  }

  /** Turns connections away from now on. */
  attach(server: Server): void {
    const { maxConnections, trusted } = this.#options;
    if (maxConnections === 0) return;
    server.on('connection', (socket: Socket) => {
      const peer = peerAddress(socket);
      if (isTrusted(peer, trusted)) return;
      const key = clientKey(peer);
      if (this.#connections.enter(key, maxConnections)) {
        socket.once('close', () => this.#connections.leave(key));
        return;
      }
      this.#refuse(key, `more than ${maxConnections} connections`);
      socket.destroy();
    });
  }

  #refuse(client: string, why: string): void {
    this.refused += 1;
    const nowMs = performance.now();
    if (nowMs - this.#warnedAtMs < WARN_EVERY_MS) return; // whoever floods us shall not flood the log as well
    this.#warnedAtMs = nowMs;
    this.#options.log.warn(
      { client, why, refused: this.refused },
      'a client is turned away; is this a proxy in front, then name it in TRUSTED_PROXIES',
    );
  }
}
