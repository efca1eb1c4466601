import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A server's connections and the requests under way on them, so that it can end each as soon as it is free. */
export class Connections {
  readonly #sockets = new Map<Duplex, number>();
  readonly #responses = new Set<ServerResponse>();
  #isClosing = false;

  /** Keeps an eye on a connection from its first moment to its last. */
  add(socket: Duplex): void {
    this.#sockets.set(socket, 0);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** Brackets a request, up to its response's end. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    this.#count(socket, 1);
    this.#responses.add(response);
    if (this.#isClosing) response.shouldKeepAlive = false;
    response.once('close', () => {
      this.#responses.delete(response);
      this.#count(socket, -1);
      // After this turn: whoever pipelined has his next request begun by then.
      if (this.#isClosing) setImmediate(() => this.#endIfFree(socket));
    });
  }

  /** From now on the connection belongs to whoever speaks another protocol on it. */
  handOver(socket: Duplex): void {
    this.#count(socket, 1);
  }

  /** The response that is under way on a connection, the newest of several. */
  responseOn(socket: Duplex): ServerResponse | undefined {
    return [...this.#responses].reverse().find((response) => response.socket === socket);
  }

  /** Ends each connection once nothing is under way on it; answers not begun yet say `Connection: close`. */
  drain(): void {
    this.#isClosing = true;
    for (const response of this.#responses) if (!response.headersSent) response.shouldKeepAlive = false;
    for (const socket of this.#sockets.keys()) this.#endIfFree(socket);
  }

  destroyAll(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  #count(socket: Duplex, by: 1 | -1): void {
    const count = this.#sockets.get(socket);
    if (count !== undefined) this.#sockets.set(socket, count + by);
  }

  #endIfFree(socket: Duplex): void {
    if (this.#sockets.get(socket) !== 0) return;
    if (socket instanceof Socket) socket.destroySoon();
    else socket.destroy();
  }
}
