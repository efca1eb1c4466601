import type pg from 'pg';

/** The part of pg's connection that its types leave out. */
interface CopyConnection {
  readonly stream: { readonly writableNeedDrain: boolean; once(event: 'drain', listener: () => void): void };
  query(sql: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** `COPY ... FROM STDIN` over pg, which has no call for it: something that a client's `query()` takes. */
export class CopyIn {
  readonly done: Promise<number>;
  readonly #sql: string;
  readonly #ready = Promise.withResolvers<CopyConnection>();
  readonly #done = Promise.withResolvers<number>();
  #rows = 0;

  constructor(sql: string) {
    this.#sql = sql;
    this.done = this.#done.promise;
  }

  /** Starts it on a client. @returns once chunks are welcome. */
  async start(client: pg.Client): Promise<void> {
    client.query(this as unknown as pg.Submittable);
    await this.#ready.promise;
  }

  /** Sends a chunk; waits while the socket is full. */
  async write(chunk: Buffer): Promise<void> {
    const connection = await this.#ready.promise;
    connection.sendCopyFromChunk(chunk);
    if (connection.stream.writableNeedDrain) {
      await new Promise<void>((resolve) => connection.stream.once('drain', resolve));
    }
  }

  /** Ends the copy. @returns rows that the server took. */
  async end(): Promise<number> {
    (await this.#ready.promise).endCopyFrom();
    return await this.#done.promise;
  }

  // What pg calls, by the names that it calls them.
  submit(connection: CopyConnection): void {
    connection.query(this.#sql);
  }

  handleCopyInResponse(connection: CopyConnection): void {
    this.#ready.resolve(connection);
  }

  handleCommandComplete(message: { readonly text: string }): void {
    this.#rows = Number(/^COPY (\d+)$/.exec(message.text)?.[1] ?? 0);
  }

  handleReadyForQuery(): void {
    this.#done.resolve(this.#rows);
  }

  handleError(error: Error): void {
    this.#ready.reject(error);
    this.#done.reject(error);
  }
}
