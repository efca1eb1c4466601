import { notificationTopic, REREAD_HEADER } from '@banyan/contracts';
import type { BusRecord } from '../bus/bus.ts';
import { decodeRow } from '../source/catalog.ts';
import type { OpenRowReread } from '../source/table-snapshot-history.ts';
import {
  notificationText,
  type RowRereadNotification,
  type RowRereadProblem,
} from '../source/table-snapshot-notifications.ts';
import { feedTable, keyText } from './feed-table.ts';
import { readRowsByKey, type RowsByKey } from './read-rows-by-key.ts';
import { envelopeSource, envelopeText, type EnvelopeContext } from './row-change.ts';
import type { ChunkPlan, ReadChunk, SnapshotWork, StepOutcome, Touched } from './snapshot-work.ts';
import type { WorkParts } from './table-snapshot-work.ts';

/** Keys looked for at once. */
const MAX_KEYS = 500;

type FoundRows = Extract<RowsByKey, { kind: 'rows' }>;

/**
 * Rows that were asked for again by their keys. A key that the stream touched between the watermarks is read once
 * more: a table snapshot may leave such a row to the stream, but here each key is owed a record of its own.
 */
export class RowRereadWork implements SnapshotWork {
  readonly id: string;
  readonly canWait = false;
  readonly #parts: WorkParts;
  #stored: OpenRowReread | null;
  /** Taken, in the order of the stream; null when all are, or it was refused. */
  #taken: OpenRowReread | null;
  /** Keys of the piece in work that still need a record; null before it was read. */
  #left: readonly (readonly string[])[] | null = null;
  #reading = false;

  constructor(open: OpenRowReread, parts: WorkParts) {
    this.id = open.id;
    this.#parts = parts;
    this.#stored = open;
    this.#taken = open;
  }

  get open(): OpenRowReread | null {
    return this.#stored;
  }

  /** What is said when it is asked for. */
  started(): BusRecord {
    const { keys } = this.#taken ?? { keys: [] };
    return this.#notify('STARTED', { keys: JSON.stringify(keys) });
  }

  plan(): ChunkPlan | null {
    if (this.#reading || !this.#taken) return null;
    this.#reading = true;
    const { table, keys, keysDone } = this.#taken;
    const wanted = this.#left ?? keys.slice(keysDone, keysDone + MAX_KEYS);
    return { table, read: (signal) => this.#read(table, wanted, signal) };
  }

  rewind(): void {
    this.#reading = false;
  }

  async #read(
    table: string,
    wanted: readonly (readonly string[])[],
    signal: AbortSignal,
  ): Promise<ReadChunk> {
    const { database, types, publication } = this.#parts;
    const found = await readRowsByKey({ database, types, publication, table, keys: wanted, signal });
    // Its pieces are small enough as they are.
    const small = { prepare: () => Promise.resolve(), measured: () => undefined };
    if (found.kind === 'refused') {
      return { ...small, snapshot: null, take: () => this.#refuse(found.status, found.reason) };
    }
    return { ...small, snapshot: found.snapshot, take: (touched) => this.#take(found, wanted, touched) };
  }

  #take(found: FoundRows, wanted: readonly (readonly string[])[], touched: Touched): StepOutcome {
    const open = this.#taken;
    if (!open) return { records: [], onStored: () => undefined };
    const made = found.rows.map((_, index) => rereadRecords(this.id, this.#parts.context(), found, index));
    const isTouched = (index: number): boolean =>
      touched.truncated || touched.keys.has(made[index]?.[0]?.key ?? '');
    const left = wanted.filter((_, index) => isTouched(index));
    const records = made.filter((_, index) => !isTouched(index)).flat();
    this.#reading = false;
    if (left.length > 0) {
      this.#left = left;
      return { records, onStored: () => undefined };
    }
    this.#left = null;
    const keysDone = Math.min(open.keysDone + MAX_KEYS, open.keys.length);
    const isLast = keysDone === open.keys.length;
    this.#taken = isLast ? null : { ...open, keysDone };
    const told = this.#notify(isLast ? 'COMPLETED' : 'IN_PROGRESS', { keys_done: String(keysDone) });
    const next = this.#taken;
    return { records: [...records, told], onStored: () => (this.#stored = next) };
  }

  #refuse(status: RowRereadProblem, reason: string): StepOutcome {
    this.#reading = false;
    this.#taken = null;
    this.#parts.logger.error({ id: this.id, status }, 'row re-read not possible');
    const told = this.#notify('ABORTED', { status, reason });
    return { records: [told], onStored: () => (this.#stored = null) };
  }

  #notify(
    type: RowRereadNotification['type'],
    data: Partial<RowRereadNotification['additional_data']>,
  ): BusRecord {
    const { table, keys } = this.#stored ?? { table: '', keys: [] };
    const about = { id: this.id, table, keysTotal: keys.length };
    return rereadNotification(this.#parts.context(), about, { type, data });
  }
}

/** A record for the notifications' topic about a row re-read. */
export function rereadNotification(
  { prefix }: Pick<EnvelopeContext, 'prefix'>,
  about: { readonly id: string; readonly table: string; readonly keysTotal: number },
  said: {
    readonly type: RowRereadNotification['type'];
    readonly data: Partial<RowRereadNotification['additional_data']>;
  },
): BusRecord {
  const value = notificationText({
    id: about.id,
    aggregate_type: 'Row Reread',
    type: said.type,
    additional_data: {
      connector_name: prefix,
      data_collections: about.table,
      keys_total: String(about.keysTotal),
      ...said.data,
    },
    timestamp: Date.now(),
  });
  return { topic: notificationTopic(prefix), key: null, headers: {}, value };
}

/** The row as an `r`; or, when it is not there, a `d` of its key and a tombstone. */
function rereadRecords(
  id: string,
  context: EnvelopeContext,
  { table, rows, readAtMs }: FoundRows,
  index: number,
): readonly (BusRecord & { readonly key: string })[] {
  const target = feedTable(context.prefix, table);
  const { key: keyTexts = {}, row = null } = rows[index] ?? {};
  const found = decodeRow(target.columns, row ?? keyTexts);
  const key = keyText(target, found) ?? '';
  const atUs = BigInt(readAtMs) * 1_000n;
  const source = envelopeSource(context, target, { atUs, snapshot: 'incremental' });
  const record = (value: string | null): BusRecord & { key: string } => ({
    topic: target.topic,
    key,
    headers: { [REREAD_HEADER]: id },
    value,
  });
  if (row) return [record(envelopeText('r', { before: null, after: found }, source))];
  return [record(envelopeText('d', { before: found, after: null }, source)), record(null)];
}
