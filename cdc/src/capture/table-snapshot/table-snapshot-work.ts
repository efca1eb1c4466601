import { setImmediate as breathe } from 'node:timers/promises';
import { looksUnavailable, notificationTopic, NOTHING_UNAVAILABLE } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import type { BusRecord } from '../../bus/bus.ts';
import { decodeRow, type TypeCatalog } from '../postgres/catalog.ts';
import { envelopeSource, type EnvelopeContext } from '../../rows/envelope.ts';
import type { SourceDatabase, TextRow } from '../postgres/source-database.ts';
import { tableInWork, withFinished, type OpenTableSnapshot } from './table-snapshot-history.ts';
import {
  notificationText,
  type TableScanStatus,
  type TableSnapshotNotification,
} from './table-snapshot-notifications.ts';
import { ChunkSize, type ChunkLimits } from './chunk-size.ts';
import { feedTable, keyText } from '../wal/feed-table.ts';
import { readEnvelopes } from '../wal/read-envelope.ts';
import { readChunk, type ChunkContent } from './snapshot-chunk.ts';
import type { ChunkPlan, ReadChunk, SnapshotWork, StepOutcome } from './snapshot-work.ts';

/** What every work needs. */
export interface WorkParts {
  readonly database: SourceDatabase;
  readonly types: TypeCatalog;
  readonly publication: string;
  readonly context: () => EnvelopeContext;
  readonly logger: Logger;
  readonly limits: ChunkLimits;
}

type ChunkRows = Extract<ChunkContent, { kind: 'rows' }>;
type KeyedRecord = BusRecord & { readonly key: string };

/** Rows made into records between two looks at the stream. */
const ROWS_AT_ONCE = 200;

/**
 * One table snapshot that was asked for: its tables one after another, each in key order. The next chunk begins after
 * the last key of the one before, so it may be read while that one is still on its way to the bus.
 */
export class TableSnapshotWork implements SnapshotWork {
  readonly id: string;
  readonly #parts: WorkParts;
  /** On the bus. */
  #stored: OpenTableSnapshot;
  /** Taken, in the order of the stream; on the bus in a moment. */
  #taken: OpenTableSnapshot;
  /** Where the next chunk begins; null while that is being read. */
  #ahead: OpenTableSnapshot | null;
  /** Which reading may say where the next chunk begins: none after a rewind. */
  #reading: symbol | null = null;
  #size: ChunkSize;

  constructor(open: OpenTableSnapshot, parts: WorkParts) {
    this.id = open.id;
    this.#parts = parts;
    this.#stored = open;
    this.#taken = open;
    this.#ahead = open;
    this.#size = new ChunkSize(parts.limits);
  }

  get open(): OpenTableSnapshot | null {
    return tableInWork(this.#stored) === null ? null : this.#stored;
  }

  /** What is said when it is asked for. */
  started(): BusRecord {
    return this.#notify(this.#taken, 'STARTED', {});
  }

  plan(): ChunkPlan | null {
    const from = this.#ahead;
    const table = from && tableInWork(from);
    if (!table) return null;
    const reading = Symbol(table);
    const goOn = (next: OpenTableSnapshot): void => {
      if (this.#reading === reading) this.#ahead = next;
    };
    this.#ahead = null;
    this.#reading = reading;
    return { table, read: (signal) => this.#read({ from, table, goOn, signal }) };
  }

  rewind(): void {
    this.#ahead = this.#taken;
    this.#reading = null;
  }

  /** Leaves tables out from here on. @returns null when it does not read any of them. */
  stop(tables: readonly string[] | null): StepOutcome | null {
    const { tables: all, finished } = this.#taken;
    const stopped = all.filter((table) => !finished.includes(table) && (tables?.includes(table) ?? true));
    if (stopped.length === 0) return null;
    const records = stopped.map((table) => {
      const said = table === tableInWork(this.#taken) ? this.#taken : { ...this.#taken, scan: null };
      return this.#notify(said, 'TABLE_SCAN_COMPLETED', { scanned_collection: table, status: 'STOPPED' });
    });
    const next = stopped.reduce(withFinished, this.#taken);
    if (tableInWork(next) === null) records.push(this.#notify(next, 'ABORTED', {}));
    this.#taken = next;
    this.rewind();
    this.#parts.logger.info({ id: this.id, tables: stopped }, 'table snapshot stopped on request');
    return { records, onStored: () => (this.#stored = next) };
  }

  async #read(options: {
    readonly from: OpenTableSnapshot;
    readonly table: string;
    readonly goOn: (next: OpenTableSnapshot) => void;
    readonly signal: AbortSignal;
  }): Promise<ReadChunk> {
    const { from, table, goOn, signal } = options;
    const { database, types, publication, limits } = this.#parts;
    if (from.scan === null) this.#size = new ChunkSize(limits);
    const size = this.#size;
    const maxRows = size.rows;
    const { scan } = from;
    const content = await readChunk({ database, types, publication, table, scan, maxRows, signal });
    if (content.kind === 'refused') {
      const next = withFinished(from, table);
      goOn(next);
      return {
        snapshot: null,
        prepare: () => Promise.resolve(),
        take: () => this.#take({ from, next, records: [], status: content.status }),
        measured: () => undefined,
      };
    }
    const scanned = afterChunk(from, content);
    const isLast = content.rows.length < maxRows;
    const next = isLast ? withFinished(scanned, table) : scanned;
    goOn(next);
    let records: readonly KeyedRecord[] = [];
    return {
      snapshot: content.snapshot,
      prepare: async () => {
        records = await this.#records(content);
        size.read(
          records.length,
          records.reduce((sum, { value }) => sum + (value?.length ?? 0), 0),
        );
      },
      take: ({ keys, truncated }) => {
        const kept = truncated ? [] : records.filter(({ key }) => !keys.has(key));
        return this.#take({ from: scanned, next, records: kept, status: isLast ? 'SUCCEEDED' : null });
      },
      measured: (storeMs) => size.stored(maxRows, storeMs),
    };
  }

  /** @param chunk.status Null while the table is not finished. */
  #take(chunk: {
    readonly from: OpenTableSnapshot;
    readonly next: OpenTableSnapshot;
    readonly records: readonly BusRecord[];
    readonly status: TableScanStatus | null;
  }): StepOutcome {
    const { from, next, status } = chunk;
    const table = tableInWork(from) ?? '';
    const records = [...chunk.records];
    if (status === null) {
      records.push(
        this.#notify(from, 'IN_PROGRESS', {
          current_collection_in_progress: table,
          key_columns: JSON.stringify(from.scan?.keyColumns ?? []),
          last_processed_key: JSON.stringify(from.scan?.lastKey ?? []),
        }),
      );
    } else {
      records.push(this.#notify(from, 'TABLE_SCAN_COMPLETED', { scanned_collection: table, status }));
      if (tableInWork(next) === null) {
        records.push(this.#notify({ ...from, scan: null }, 'COMPLETED', {}));
      }
    }
    this.#taken = next;
    return {
      records,
      onStored: () => {
        this.#stored = next;
        if (status !== null) this.#logEnd(table, status, from.scan?.rowsDone ?? 0);
      },
    };
  }

  async #records({ table, rows, readAtMs }: ChunkRows): Promise<readonly KeyedRecord[]> {
    const context = this.#parts.context();
    const target = feedTable(context.prefix, table);
    const { topic } = target;
    const atUs = BigInt(readAtMs) * 1_000n;
    const valueOf = readEnvelopes(envelopeSource(context, target, { atUs, snapshot: 'incremental' }));
    const made: KeyedRecord[] = [];
    for (const [index, texts] of rows.entries()) {
      if (index % ROWS_AT_ONCE === ROWS_AT_ONCE - 1) await breathe(); // the stream goes first
      const after = decodeRow(target.columns, texts);
      const key = keyText(target, after);
      if (key === null) continue; // a table without a key was refused
      const value = valueOf(after);
      made.push({ topic, key, headers: looksUnavailable(value) ? NOTHING_UNAVAILABLE : {}, value });
    }
    return made;
  }

  #logEnd(table: string, status: TableScanStatus, rows: number): void {
    const { logger } = this.#parts;
    if (status === 'SUCCEEDED') logger.info({ id: this.id, table, rows }, 'table snapshot done');
    else logger.error({ id: this.id, table, status }, 'table snapshot not possible');
  }

  #notify(
    { tables, scan }: OpenTableSnapshot,
    type: TableSnapshotNotification['type'],
    data: Partial<TableSnapshotNotification['additional_data']>,
  ): BusRecord {
    const { prefix } = this.#parts.context();
    const value = notificationText({
      id: this.id,
      aggregate_type: 'Incremental Snapshot',
      type,
      additional_data: {
        connector_name: prefix,
        data_collections: tables.join(', '),
        ...(scan ? { total_rows_scanned: String(scan.rowsDone) } : {}),
        ...(scan?.rowsEstimated != null ? { estimated_rows: String(scan.rowsEstimated) } : {}),
        ...data,
      },
      timestamp: Date.now(),
    });
    return { topic: notificationTopic(prefix), key: null, headers: {}, value };
  }
}

function afterChunk(from: OpenTableSnapshot, { table, rows, isRestarted }: ChunkRows): OpenTableSnapshot {
  const before = isRestarted ? null : from.scan;
  const last: TextRow | undefined = rows.at(-1);
  const scan = {
    keyColumns: table.key,
    lastKey: last ? table.key.map((name) => last[name] ?? '') : (before?.lastKey ?? []),
    rowsDone: (before?.rowsDone ?? 0) + rows.length,
    rowsEstimated: before?.rowsEstimated ?? table.estimatedRows,
  };
  return { ...from, scan };
}
