/** What tests of rows that are read again share: a copy in memory, and records as the bus stores them. */
import { expect } from '@jest/globals';
import type { BusRecord, StoredRecord } from '../../src/bus/bus.ts';
import type { ApplyBatch, PartitionProgress, RereadWindow } from '../../src/apply/apply-store.ts';
import { note, notesSlice, notesTopic, rowRecord } from './consumer-test-bed.ts';
import { compileMapping, type CompiledTable } from '../../src/rows/mapping.ts';
import { planBatch } from '../../src/apply/plan-batch.ts';
import { initialStates, type TopicState } from '../../src/apply/topic-state.ts';

const table = notesSlice.tables.map(compileMapping)[0] as CompiledTable;

/** What a store keeps, and what the consumer knows of it; `restart` forgets all but what is kept. */
export class ModelCopy {
  readonly rows = new Map<number, string>();
  #progress: readonly PartitionProgress[] = [];
  #windows = new Map<string, RereadWindow>();
  #states: ReadonlyMap<string, TopicState> = new Map();

  constructor() {
    this.restart();
  }

  get offset(): number {
    return this.#progress[0]?.nextOffset ?? 0;
  }

  get windows(): ReadonlyMap<string, RereadWindow> {
    return this.#states.get(notesTopic)?.windows ?? new Map<string, RereadWindow>();
  }

  restart(): void {
    this.#states = initialStates({
      slice: 'notes',
      topics: new Map([[notesTopic, table]]),
      partitions: new Map([[notesTopic, [0]]]),
      progress: this.#progress,
      held: [],
      windows: [...this.#windows.values()],
      busId: 'b',
    });
  }

  apply(records: readonly StoredRecord[]): void {
    const { batch, states } = planBatch(records, this.#states);
    expect(batch.quarantine).toEqual([]);
    this.#write(batch);
    this.#states = states;
  }

  #write({ tables, progress, closedWindows = [], openedWindows = [] }: ApplyBatch): void {
    for (const { change } of tables) {
      if (change.clear) this.rows.clear();
      for (const [id] of change.deletes) this.rows.delete(Number(id));
      for (const row of change.upserts) this.rows.set(Number(row['note_id']), String(row['text']));
    }
    this.#progress = progress;
    for (const { key } of closedWindows) expect(this.#windows.delete(key)).toBe(true);
    for (const window of openedWindows) {
      expect(this.#windows.has(window.key)).toBe(false);
      this.#windows.set(window.key, window);
    }
  }
}

export function stored(records: readonly BusRecord[], from = 0): StoredRecord[] {
  return records.map((record, i) => ({ ...record, partition: 0, offset: from + i, storedAtMs: from + i }));
}

export const whole = (op: 'c' | 'u' | 'r', id: number, body: string): BusRecord =>
  rowRecord(op, note(id, { body }));
