import { describe, expect, test } from '@jest/globals';
import { decodePgOutput } from './pgoutput.ts';

const u8 = (value: number): Buffer => Buffer.from([value]);
const u16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
};
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const u64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
};
const chars = (value: string): Buffer => Buffer.from(value, 'latin1');
const cstring = (value: string): Buffer => Buffer.from(`${value}\0`);
const message = (...parts: Buffer[]): Buffer => Buffer.concat(parts);
const field = (value: string | null | undefined): Buffer => {
  if (value == null) return chars(value === null ? 'n' : 'u');
  const text = Buffer.from(value);
  return message(chars('t'), u32(text.length), text);
};
const tuple = (...fields: (string | null | undefined)[]): Buffer =>
  message(u16(fields.length), ...fields.map(field));

describe('reads', () => {
  test('begin, with the commit time since 1970 and a transaction id above 2^31', () => {
    const bytes = message(chars('B'), u64(500n), u64(1n), u32(4_000_000_000));
    expect(decodePgOutput(bytes)).toEqual({
      kind: 'begin',
      finalLsn: 500n,
      commitUs: 946_684_800_000_001n,
      xid: 4_000_000_000,
    });
  });

  test('commit, with its start and its end', () => {
    const bytes = message(chars('C'), u8(0), u64(500n), u64(548n), u64(1n));
    expect(decodePgOutput(bytes)).toEqual({ kind: 'commit', commitLsn: 500n, endLsn: 548n });
  });

  test('origin and type', () => {
    expect(decodePgOutput(message(chars('O'), u64(9n), cstring('banyan_back')))).toEqual({
      kind: 'origin',
      lsn: 9n,
      name: 'banyan_back',
    });
    expect(decodePgOutput(message(chars('Y'), u32(16_400), cstring('public'), cstring('mood')))).toEqual({
      kind: 'type',
      oid: 16_400,
      schema: 'public',
      name: 'mood',
    });
  });

  test('relation', () => {
    const column = (flags: number, name: string, oid: number): Buffer =>
      message(u8(flags), cstring(name), u32(oid), u32(0xffffffff));
    const bytes = message(
      chars('R'),
      u32(16_384),
      cstring('public'),
      cstring('größe'),
      chars('d'),
      u16(2),
      column(1, 'id', 20),
      column(0, 'body', 25),
    );
    expect(decodePgOutput(bytes)).toEqual({
      kind: 'relation',
      oid: 16_384,
      schema: 'public',
      table: 'größe',
      replicaIdentity: 'd',
      columns: [
        { name: 'id', typeOid: 20, typeModifier: -1, identity: true },
        { name: 'body', typeOid: 25, typeModifier: -1, identity: false },
      ],
    });
  });

  test('insert: text, null and empty text are three things', () => {
    const bytes = message(chars('I'), u32(7), chars('N'), tuple('ü', null, ''));
    expect(decodePgOutput(bytes)).toEqual({ kind: 'insert', oid: 7, after: ['ü', null, ''] });
  });

  test('update without an old row, with its key, with all of it; unchanged TOAST is undefined', () => {
    const after = message(chars('N'), tuple('1', undefined));
    expect(decodePgOutput(message(chars('U'), u32(7), after))).toEqual({
      kind: 'update',
      oid: 7,
      before: null,
      after: ['1', undefined],
    });
    expect(decodePgOutput(message(chars('U'), u32(7), chars('K'), tuple('0', null), after))).toMatchObject({
      before: { full: false, tuple: ['0', null] },
    });
    expect(decodePgOutput(message(chars('U'), u32(7), chars('O'), tuple('1', 'x'), after))).toMatchObject({
      before: { full: true, tuple: ['1', 'x'] },
      after: ['1', undefined],
    });
  });

  test('delete and truncate', () => {
    expect(decodePgOutput(message(chars('D'), u32(7), chars('K'), tuple('1', null)))).toEqual({
      kind: 'delete',
      oid: 7,
      before: { full: false, tuple: ['1', null] },
    });
    expect(decodePgOutput(message(chars('T'), u32(2), u8(1), u32(7), u32(8)))).toEqual({
      kind: 'truncate',
      oids: [7, 8],
    });
  });

  test('a logical message', () => {
    const content = Buffer.from('{"heartbeat":1}');
    const bytes = message(chars('M'), u8(0), u64(99n), cstring('banyan'), u32(content.length), content);
    expect(decodePgOutput(bytes)).toEqual({
      kind: 'message',
      transactional: false,
      lsn: 99n,
      prefix: 'banyan',
      content: '{"heartbeat":1}',
    });
  });
});

test('what it returns does not change when the buffer is used again', () => {
  const bytes = message(chars('I'), u32(7), chars('N'), tuple('kept'));
  const decoded = decodePgOutput(bytes);
  bytes.fill(0);
  expect(decoded).toEqual({ kind: 'insert', oid: 7, after: ['kept'] });
});

test.each([
  ['an unknown message', chars('z')],
  ['a message that ends early', message(chars('B'), u32(1))],
  ['a field in binary', message(chars('I'), u32(7), chars('N'), u16(1), chars('b'), u32(1), u8(1))],
  ['an insert without a new row', message(chars('I'), u32(7), chars('K'), tuple('1'))],
  [
    'a text longer than the message',
    message(chars('I'), u32(7), chars('N'), u16(1), chars('t'), u32(9), u8(1)),
  ],
])('refuses %s', (_, bytes) => {
  expect(() => decodePgOutput(bytes)).toThrow(RangeError);
});
