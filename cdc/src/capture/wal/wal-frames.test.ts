import { expect, test } from '@jest/globals';
import { decodeWalFrame, encodeStatusUpdate, toUnixMicros } from './wal-frames.ts';

test('reads a keepalive', () => {
  const bytes = Buffer.alloc(18);
  bytes.write('k');
  bytes.writeBigUInt64BE(2n ** 63n + 1n, 1);
  expect(decodeWalFrame(bytes)).toEqual({ kind: 'keepalive', walEnd: 2n ** 63n + 1n, replyRequested: false });
  bytes.writeUInt8(1, 17);
  expect(decodeWalFrame(bytes)).toMatchObject({ replyRequested: true });
});

test('reads data with where it starts', () => {
  const bytes = Buffer.alloc(28);
  bytes.write('w');
  bytes.writeBigUInt64BE(77n, 1);
  bytes.write('abc', 25);
  expect(decodeWalFrame(bytes)).toEqual({ kind: 'data', walStart: 77n, payload: Buffer.from('abc') });
});

test('refuses frames that it does not know or that end early', () => {
  expect(() => decodeWalFrame(Buffer.from('z'))).toThrow(RangeError);
  expect(() => decodeWalFrame(Buffer.from('k123'))).toThrow(RangeError);
});

test('a status update confirms one position, three times the same', () => {
  const lsn = 0x16_b374_d848n;
  const bytes = encodeStatusUpdate({ lsn, nowMs: 946_684_800_001, replyRequested: true });
  expect(bytes.toString('latin1', 0, 1)).toBe('r');
  expect([1, 9, 17].map((at) => bytes.readBigUInt64BE(at))).toEqual([lsn, lsn, lsn]);
  expect(bytes.readBigInt64BE(25)).toBe(1_000n); // microseconds since 2000
  expect([bytes.readUInt8(33), bytes.length]).toEqual([1, 34]);
});

test("PostgreSQL's epoch is 2000", () => {
  expect(toUnixMicros(0n)).toBe(BigInt(Date.UTC(2000, 0, 1)) * 1_000n);
});
