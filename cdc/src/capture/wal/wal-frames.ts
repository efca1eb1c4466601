import { ByteReader } from './byte-reader.ts';

/** Microseconds from 1970 to 2000, PostgreSQL's epoch. */
const POSTGRES_EPOCH_US = 946_684_800_000_000n;

/** PostgreSQL's timestamp (microseconds since 2000) as microseconds since 1970. */
export function toUnixMicros(postgresMicros: bigint): bigint {
  return postgresMicros + POSTGRES_EPOCH_US;
}

/** What the server sends inside CopyData while it streams ("Streaming Replication Protocol" in its manual). */
export type WalFrame =
  | { readonly kind: 'data'; readonly walStart: bigint; readonly payload: Buffer }
  | { readonly kind: 'keepalive'; readonly walEnd: bigint; readonly replyRequested: boolean };

/** Reads one CopyData payload. The payload inside is a view: use it before the next read of the socket. */
export function decodeWalFrame(bytes: Buffer): WalFrame {
  const reader = new ByteReader(bytes);
  const kind = reader.char();
  if (kind === 'w') {
    const walStart = reader.uint64();
    reader.uint64(); // the server's end of WAL: logical decoding repeats walStart here
    reader.int64(); // the server's clock
    return { kind: 'data', walStart, payload: reader.rest() };
  }
  if (kind === 'k') {
    const walEnd = reader.uint64();
    reader.int64(); // the server's clock
    return { kind: 'keepalive', walEnd, replyRequested: reader.uint8() === 1 };
  }
  throw new RangeError(`A replication frame of an unknown kind: ${JSON.stringify(kind)}.`);
}

/**
 * The standby status update that confirms `lsn` as written, flushed and applied.
 *
 * @param options.replyRequested Asks the server for a keepalive at once.
 */
export function encodeStatusUpdate(options: {
  readonly lsn: bigint;
  readonly nowMs: number;
  readonly replyRequested: boolean;
}): Buffer {
  const bytes = Buffer.alloc(34);
  bytes.write('r', 0, 'latin1');
  bytes.writeBigUInt64BE(options.lsn, 1);
  bytes.writeBigUInt64BE(options.lsn, 9);
  bytes.writeBigUInt64BE(options.lsn, 17);
  bytes.writeBigInt64BE(BigInt(options.nowMs) * 1_000n - POSTGRES_EPOCH_US, 25);
  bytes.writeUInt8(options.replyRequested ? 1 : 0, 33);
  return bytes;
}
