/** Reads PostgreSQL's wire types (big-endian) from a buffer, from the front. @throws RangeError past the end. */
export class ByteReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  char(): string {
    return String.fromCharCode(this.uint8());
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  /** UTF-8 up to a zero byte. */
  cstring(): string {
    const end = this.#bytes.indexOf(0, this.#offset);
    if (end < 0) throw new RangeError('A string in a replication message does not end.');
    const text = this.#bytes.toString('utf8', this.#offset, end);
    this.#offset = end + 1;
    return text;
  }

  /** UTF-8 of `length` bytes. */
  text(length: number): string {
    const start = this.#take(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** A view, not a copy. */
  rest(): Buffer {
    return this.#bytes.subarray(this.#take(this.remaining));
  }

  #take(length: number): number {
    const start = this.#offset;
    if (length < 0 || start + length > this.#bytes.length) {
      throw new RangeError(`A replication message ends early: ${length} more bytes wanted.`);
    }
    this.#offset += length;
    return start;
  }
}
