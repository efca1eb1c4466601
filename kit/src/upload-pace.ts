import type { IncomingMessage } from 'node:http';

const WINDOW_MS = 20_000;

interface Upload {
  /** Start of the window that is measured, and what the connection had brought by then. */
  sinceMs: number;
  bytes: number;
}

/**
 * Finds request bodies that come too slowly. Only the time in which we wait for the client counts: a handler that
 * does not read, and an `Expect: 100-continue` that is not answered yet, are not his fault.
 */
export class UploadPace {
  readonly #uploads = new Map<IncomingMessage, Upload>();
  readonly #minBytesPerSecond: number;
  readonly #onTooSlow: (request: IncomingMessage) => void;
  readonly #timer: NodeJS.Timeout | null;

  /** @param options.minBytesPerSecond Over 20 s; 0 for none. */
  constructor(options: {
    readonly minBytesPerSecond: number;
    readonly onTooSlow: (request: IncomingMessage) => void;
  }) {
    this.#minBytesPerSecond = options.minBytesPerSecond;
    this.#onTooSlow = options.onTooSlow;
    this.#timer = null;
    if (options.minBytesPerSecond > 0) {
      this.#timer = setInterval(() => this.look(performance.now()), WINDOW_MS / 4).unref();
    }
  }

  /** Call when a request's head has come, and `forget` at its end. */
  watch(request: IncomingMessage): void {
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
    if (this.#minBytesPerSecond === 0 || (coding === undefined && (length ?? '0') === '0')) return;
    this.#uploads.set(request, { sinceMs: performance.now(), bytes: request.socket.bytesRead });
  }

  forget(request: IncomingMessage): void {
    this.#uploads.delete(request);
  }

  /** Looks at all uploads once. @param nowMs On the clock of `performance.now()`. */
  look(nowMs: number): void {
    for (const [request, upload] of this.#uploads) {
      if (request.complete || request.destroyed) {
        this.#uploads.delete(request);
        continue;
      }
      const { bytesRead } = request.socket;
      const isWaitingForUs =
        request.readableLength > 0 || (request.headers.expect !== undefined && bytesRead === upload.bytes);
      if (!isWaitingForUs && nowMs - upload.sinceMs < WINDOW_MS) continue;
      const wanted = (this.#minBytesPerSecond * (nowMs - upload.sinceMs)) / 1_000;
      if (!isWaitingForUs && bytesRead - upload.bytes < wanted) {
        this.#uploads.delete(request);
        this.#onTooSlow(request);
        continue;
      }
      upload.sinceMs = nowMs;
      upload.bytes = bytesRead;
    }
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#uploads.clear();
  }
}
