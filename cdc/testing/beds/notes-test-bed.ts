/** What tests of one verification share: a source in memory, a copy in SQLite, and hooks between their readings. */
import type { PiecesRequest, Row, SyncReport } from '@banyan/contracts';
import type { Knex } from 'knex';
import type { CaughtUp } from '../../src/verify/caught-up.ts';
import { hashPieces, listRows } from '../../src/apply/http/answer-ranges.ts';
import { createFolder, note, notesSlice, openNotes } from './consumer-test-bed.ts';
import { compileMapping, type CompiledTable } from '../../src/rows/mapping.ts';
import { createSqliteApplyStore } from '../../src/apply/stores/sqlite/sqlite-apply-store.ts';
import type { PostgresSource } from '../../src/capture/feed/postgres-source.ts';
import type { ServiceCopy } from '../../src/verify/service-client/copy.ts';
import { describeFinding } from '../../src/rows/finding.ts';
import { verifySlice, type VerifyOptions } from '../../src/verify/verify-slice.ts';
import { differencesOf, type VerifyState } from '../../src/verify/verify-state.ts';

export const ROWS = 25;
const CHUNK = 10;

/** What `verify` tells of sides that are equal. */
export const same = { rowsSource: ROWS, rowsTarget: ROWS, differences: 0, examples: [] };

/** A source of 25 notes, and their copy. */
export interface NotesBed {
  readonly knex: Knex;
  readonly source: Pick<PostgresSource, 'readPage' | 'describeTables'>;
  readonly sourceRows: Map<bigint, Row>;
  table: CompiledTable;
  /** Runs before the source is read. */
  onSourceRead: () => void;
  /** Runs while somebody waits for the copy. */
  onCaughtUp: () => Promise<void>;
  /** How often somebody waited for the copy. */
  waits: number;
  /** What the service was asked to hash. */
  asked: PiecesRequest[];
  /** Writes a row at the source, also when it is the same as before; null deletes it. */
  change(id: bigint, row: Row | null): void;
  /** Puts source rows into the copy. */
  write(...rows: Row[]): Promise<void>;
  run(changes?: Partial<VerifyOptions>): Promise<VerifyState>;
  /** Runs a verification and tells it shortly. */
  verify(changes?: Partial<VerifyOptions>): Promise<object>;
  close(): Promise<void>;
}

const refuse = (): never => {
  throw new Error('not asked in these tests');
};

export async function createNotesBed(): Promise<NotesBed> {
  const folder = await createFolder();
  const knex = await openNotes(folder.file('copy.sqlite'));
  const { source, sourceRows, change } = createNotesSource(() => bed.onSourceRead());
  const [mapping] = notesSlice.tables;
  if (!mapping) throw new Error('no table');
  const caughtUp: CaughtUp = {
    async wait() {
      bed.waits += 1;
      await bed.onCaughtUp();
      return { position: '0/1' };
    },
  };
  const bed: NotesBed = {
    knex,
    source,
    sourceRows,
    change,
    table: compileMapping(mapping),
    waits: 0,
    asked: [],
    onSourceRead: () => undefined,
    onCaughtUp: () => Promise.resolve(),
    async write(...rows) {
      const { table } = bed;
      const upserts = rows.map((row) => table.forward(row));
      const tables = [{ table, change: { clear: false, deletes: [], upserts, updates: [] } }];
      const nothing = { progress: [], barriers: [], releasedTopics: [], quarantine: [] };
      await createSqliteApplyStore({ knex }).apply({ ...nothing, tables });
    },
    run(changes = {}) {
      const options = { source, copy: copyOf(bed), caughtUp, slice: notesSlice };
      const signal = AbortSignal.timeout(10_000);
      return verifySlice({ ...options, pageRows: CHUNK, pieceRows: CHUNK, signal, ...changes });
    },
    async verify(changes = {}) {
      const { tables } = await bed.run(changes);
      return {
        rowsSource: tables.reduce((sum, each) => sum + each.rowsSource, 0),
        rowsTarget: tables.reduce((sum, each) => sum + each.rowsTarget, 0),
        differences: differencesOf(tables),
        examples: tables.flatMap((each) => each.examples.map((found) => describeFinding(each.source, found))),
      };
    },
    async close() {
      await knex.destroy();
      await folder.remove();
    },
  };
  await bed.write(...sourceRows.values());
  return bed;
}

function copyOf(bed: NotesBed): ServiceCopy {
  const { ranges } = createSqliteApplyStore({ knex: bed.knex });
  const report: SyncReport = {
    slice: 'notes',
    group: 'notes',
    state: 'running',
    error: null,
    startedAtMs: 1,
    nowMs: 1,
    tables: [],
    lag: null,
    heartbeatAtMs: null,
  };
  return {
    sync: () => Promise.resolve(report),
    metTopics: refuse,
    pieces(request) {
      bed.asked.push(request);
      return hashPieces(ranges, bed.table, request);
    },
    rows: (request) => listRows(ranges, bed.table, request),
  };
}

function createNotesSource(onRead: () => void): Pick<NotesBed, 'source' | 'sourceRows' | 'change'> {
  const sourceRows = new Map<bigint, Row>();
  /** A row's version, which every write raises. */
  const versions = new Map<bigint, number>();
  for (let id = 1n; id <= ROWS; id += 1n)
    sourceRows.set(id, note(id, { big: 2n ** 60n + id, tags: ['x'], done: true }));
  return {
    sourceRows,
    change(id, row) {
      versions.set(id, (versions.get(id) ?? 0) + 1);
      if (row) sourceRows.set(id, row);
      else sourceRows.delete(id);
    },
    source: {
      describeTables: (tables) =>
        Promise.resolve(tables.map((name) => ({ name, key: ['id'], columns: {}, estimatedRows: ROWS }))),
      readPage({ afterKey, toKey, limit, columns, key }) {
        onRead();
        const after = afterKey?.[0] === undefined ? null : BigInt(afterKey[0]);
        const to = toKey?.[0] === undefined ? null : BigInt(toKey[0]);
        const ids = [...sourceRows.keys()]
          .sort((a, b) => (a < b ? -1 : 1))
          .filter((id) => (after === null || id > after) && (to === null || id <= to))
          .slice(0, limit);
        const seen = ids.map((id) => versions.get(id) ?? 0);
        const pick = (id: bigint): Row =>
          Object.fromEntries(columns.map((column) => [column, sourceRows.get(id)?.[column] ?? null]));
        return Promise.resolve({
          rows: ids.map(pick),
          keyAt: (index) => key.map(() => String(ids[index])),
          versionAt: (index) => String(seen[index]),
          isKeyTextShared: true,
          bytewise: [],
        });
      },
    },
  };
}
