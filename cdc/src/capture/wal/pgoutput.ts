import { ByteReader } from './byte-reader.ts';
import { toUnixMicros } from './wal-frames.ts';

/** One field of a tuple: its text, null, or `undefined` for a TOAST value that the statement did not change. */
export type TupleValue = string | null | undefined;
export type Tuple = readonly TupleValue[];

export interface RelationColumn {
  readonly name: string;
  readonly typeOid: number;
  /** The type's modifier, e.g. digits of a `timestamptz(3)`; -1 without one. */
  readonly typeModifier: number;
  /** Part of the replica identity. */
  readonly identity: boolean;
}

export interface RelationMessage {
  readonly kind: 'relation';
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  /** d(efault), n(othing), f(ull) or i(ndex). */
  readonly replicaIdentity: string;
  readonly columns: readonly RelationColumn[];
}

/** Comes before the first table that uses a type of the database's own. For a domain it names the base type. */
export interface TypeMessage {
  readonly kind: 'type';
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
}

/** The old row of an update or delete: all of it (`full`), or its replica identity only, other fields null. */
export interface OldTuple {
  readonly full: boolean;
  readonly tuple: Tuple;
}

/** Messages of pgoutput, protocol version 1 ("Logical Replication Message Formats" in PostgreSQL's manual). */
export type PgOutputMessage =
  | { readonly kind: 'begin'; readonly finalLsn: bigint; readonly commitUs: bigint; readonly xid: number }
  | { readonly kind: 'commit'; readonly commitLsn: bigint; readonly endLsn: bigint }
  | { readonly kind: 'origin'; readonly lsn: bigint; readonly name: string }
  | RelationMessage
  | TypeMessage
  | { readonly kind: 'insert'; readonly oid: number; readonly after: Tuple }
  | { readonly kind: 'update'; readonly oid: number; readonly before: OldTuple | null; readonly after: Tuple }
  | { readonly kind: 'delete'; readonly oid: number; readonly before: OldTuple }
  | { readonly kind: 'truncate'; readonly oids: readonly number[] }
  | {
      readonly kind: 'message';
      readonly transactional: boolean;
      readonly lsn: bigint;
      readonly prefix: string;
      readonly content: string;
    };

/** Reads one message. Copies what it keeps. @throws RangeError on a message that it does not know. */
export function decodePgOutput(bytes: Buffer): PgOutputMessage {
  const reader = new ByteReader(bytes);
  const kind = reader.char();
  switch (kind) {
    case 'B':
      return {
        kind: 'begin',
        finalLsn: reader.uint64(),
        commitUs: toUnixMicros(reader.int64()),
        xid: reader.uint32(),
      };
    case 'C':
      reader.uint8(); // flags, unused
      return { kind: 'commit', commitLsn: reader.uint64(), endLsn: reader.uint64() };
    case 'O':
      return { kind: 'origin', lsn: reader.uint64(), name: reader.cstring() };
    case 'R':
      return readRelation(reader);
    case 'Y':
      return {
        kind: 'type',
        oid: reader.uint32(),
        schema: reader.cstring() || 'pg_catalog', // an empty name stands for pg_catalog
        name: reader.cstring(),
      };
    case 'I':
      return readInsert(reader);
    case 'U':
      return readUpdate(reader);
    case 'D':
      return { kind: 'delete', oid: reader.uint32(), before: readOldTuple(reader, reader.char()) };
    case 'T':
      return readTruncate(reader);
    case 'M':
      return readMessage(reader);
    default:
      throw new RangeError(`A pgoutput message of an unknown kind: ${JSON.stringify(kind)}.`);
  }
}

function readRelation(reader: ByteReader): RelationMessage {
  const oid = reader.uint32();
  const schema = reader.cstring() || 'pg_catalog'; // an empty name stands for pg_catalog
  const table = reader.cstring();
  const replicaIdentity = reader.char();
  const columns = Array.from({ length: reader.uint16() }, () => {
    const identity = (reader.uint8() & 1) === 1;
    const name = reader.cstring();
    const typeOid = reader.uint32();
    return { name, typeOid, typeModifier: reader.int32(), identity };
  });
  return { kind: 'relation', oid, schema, table, replicaIdentity, columns };
}

function readTuple(reader: ByteReader): Tuple {
  // A plain loop over codes: this runs for every field of every changed row.
  const count = reader.uint16();
  const tuple: TupleValue[] = [];
  for (let field = 0; field < count; field += 1) tuple.push(readField(reader));
  return tuple;
}

const NULL_FIELD = 0x6e; // n
const UNCHANGED_FIELD = 0x75; // u
const TEXT_FIELD = 0x74; // t

function readField(reader: ByteReader): TupleValue {
  const kind = reader.uint8();
  if (kind === TEXT_FIELD) return reader.text(reader.int32());
  if (kind === NULL_FIELD) return null;
  if (kind === UNCHANGED_FIELD) return undefined;
  const shown = JSON.stringify(String.fromCharCode(kind));
  throw new RangeError(`A field of an unknown kind: ${shown}; binary was not asked for.`);
}

function readOldTuple(reader: ByteReader, kind: string): OldTuple {
  if (kind !== 'K' && kind !== 'O') {
    throw new RangeError(`An old row of an unknown kind: ${JSON.stringify(kind)}.`);
  }
  return { full: kind === 'O', tuple: readTuple(reader) };
}

function expectNewTuple(kind: string): void {
  if (kind !== 'N') throw new RangeError(`A new row was expected, got ${JSON.stringify(kind)}.`);
}

function readInsert(reader: ByteReader): PgOutputMessage {
  const oid = reader.uint32();
  expectNewTuple(reader.char());
  return { kind: 'insert', oid, after: readTuple(reader) };
}

function readUpdate(reader: ByteReader): PgOutputMessage {
  const oid = reader.uint32();
  const first = reader.char();
  if (first === 'N') return { kind: 'update', oid, before: null, after: readTuple(reader) };
  const before = readOldTuple(reader, first);
  expectNewTuple(reader.char());
  return { kind: 'update', oid, before, after: readTuple(reader) };
}

function readTruncate(reader: ByteReader): PgOutputMessage {
  const count = reader.uint32();
  reader.uint8(); // CASCADE and RESTART IDENTITY: the tables reached by a cascade are listed
  return { kind: 'truncate', oids: Array.from({ length: count }, () => reader.uint32()) };
}

function readMessage(reader: ByteReader): PgOutputMessage {
  const transactional = (reader.uint8() & 1) === 1;
  const lsn = reader.uint64();
  const prefix = reader.cstring();
  return { kind: 'message', transactional, lsn, prefix, content: reader.text(reader.int32()) };
}
