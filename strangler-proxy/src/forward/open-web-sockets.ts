import type { Duplex } from 'node:stream';
import { servesReads, type Target } from '../routes/domain/sides.ts';
import type { RoutingTable } from '../routes/domain/routing-table.ts';

/** A WebSocket that has been taken to a side. */
export interface OpenWebSocket {
  readonly socket: Duplex;
  /** Name of the slice whose route it came by; null for none: that one stays. */
  readonly slice: string | null;
  readonly target: Target;
}

/**
 * Knows the WebSockets that are open, and ends those whose side no longer has their slice: a service's after a
 * rollback, the monolith's once the service owns the data. They end one by one over the drain time, so that the clients
 * do not all come back at once. Others stay where they are until they end by themselves, also when the share changes.
 */
export class OpenWebSockets {
  readonly #open = new Set<OpenWebSocket>();
  readonly #drains = new Map<OpenWebSocket, NodeJS.Timeout>();
  readonly #drainMs: number;
  #table: RoutingTable | null = null;

  /** @param drainMs Time within which they are ended. */
  constructor(drainMs: number) {
    this.#drainMs = drainMs;
  }

  get size(): number {
    return this.#open.size;
  }

  add(webSocket: OpenWebSocket): void {
    this.#open.add(webSocket);
    webSocket.socket.once('close', () => {
      this.#open.delete(webSocket);
      this.#keep(webSocket);
    });
    if (this.#table) this.#judge(webSocket, this.#table); // the routes may have changed while it was opened
  }

  /** Call after each change of the routes. */
  useRoutes(table: RoutingTable): void {
    this.#table = table;
    for (const webSocket of this.#open) this.#judge(webSocket, table);
  }

  /** Ends all at once. */
  close(): void {
    for (const { socket } of this.#open) socket.destroy();
  }

  #judge(webSocket: OpenWebSocket, { snapshot }: RoutingTable): void {
    if (webSocket.slice === null) return;
    const slice = snapshot.slices.find(({ name }) => name === webSocket.slice);
    const isAtHome =
      webSocket.target === 'service'
        ? slice !== undefined && servesReads(slice)
        : slice?.owner !== 'service' || slice.rolledBack;
    if (isAtHome) this.#keep(webSocket);
    else this.#drain(webSocket);
  }

  #drain(webSocket: OpenWebSocket): void {
    if (this.#drains.has(webSocket)) return;
    const afterMs = Math.random() * this.#drainMs;
    this.#drains.set(
      webSocket,
      setTimeout(() => webSocket.socket.destroy(), afterMs),
    );
  }

  #keep(webSocket: OpenWebSocket): void {
    clearTimeout(this.#drains.get(webSocket));
    this.#drains.delete(webSocket);
  }
}
