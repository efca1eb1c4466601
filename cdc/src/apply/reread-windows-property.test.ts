import { expect, test } from '@jest/globals';
import { controlRecordKey } from '@banyan/contracts';
import fc from 'fast-check';
import type { BusRecord, StoredRecord } from '../bus/bus.ts';
import { rereadBegun, rereadRow, rowRecord, tombstone } from '../../testing/beds/consumer-test-bed.ts';
import { ModelCopy, stored, whole } from '../../testing/beds/reread-test-bed.ts';

/** A table of three rows, the stream of its changes, and those who read single rows again beside it. */
class World {
  readonly copy = new ModelCopy();
  readonly #source = new Map<number, string>();
  /** Committed, in their order: the first `#streamed` of them are on the topic. */
  readonly #log: BusRecord[][] = [];
  readonly #topic: StoredRecord[] = [];
  /** What the stream had come to at each offset of the topic. */
  readonly #truth: Map<number, string>[] = [];
  readonly #askers = new Map<number, { id: string; row: number; read: BusRecord | null; seen: number }>();
  #streamed = 0;
  #made = 0;
  /** Rows of which anything ever came. */
  readonly touched = new Set<number>();
  readonly wrong: readonly number[];

  constructor(rows: readonly number[]) {
    this.wrong = rows;
    for (const row of rows) this.#source.set(row, 'first');
    for (const row of rows) this.copy.rows.set(row, 'wrong');
    this.#truth.push(new Map(this.#source));
  }

  write(row: number): void {
    this.#made += 1;
    const isNew = !this.#source.has(row);
    this.#source.set(row, `v${this.#made}`);
    this.#log.push([whole(isNew ? 'c' : 'u', row, `v${this.#made}`)]);
  }

  delete(row: number): void {
    if (this.#source.delete(row)) this.#log.push([rowRecord('d', { id: row }), tombstone(row)]);
  }

  truncate(): void {
    this.#source.clear();
    this.#log.push([rowRecord('t', {})]);
  }

  stream(): void {
    const records = this.#log[this.#streamed];
    if (!records) return;
    this.#streamed += 1;
    this.#append(records);
  }

  /** The next step of an asker: open, read, or, once all that was seen is on the topic, the row. */
  ask(asker: number, row: number): void {
    const asked = this.#askers.get(asker);
    if (!asked) {
      this.#made += 1;
      this.#askers.set(asker, { id: `${this.#made}`, row, read: null, seen: 0 });
      this.#append([rereadBegun(`${this.#made}`, row)]);
    } else if (!asked.read) {
      const body = this.#source.get(asked.row);
      asked.read = body === undefined ? rowRecord('d', { id: asked.row }) : whole('r', asked.row, body);
      asked.seen = this.#log.length;
    } else if (this.#streamed >= asked.seen) {
      this.#append([rereadRow(asked.id, asked.read)]);
      this.#askers.delete(asker);
    }
  }

  die(asker: number): void {
    this.#askers.delete(asker);
  }

  consume(records: number): void {
    const { offset } = this.copy;
    const batch = this.#topic.slice(offset, offset + records);
    if (batch.length === 0) return;
    this.copy.apply(batch);
    this.#expectTrue(batch);
  }

  /** Everything comes to rest. */
  drain(): void {
    while (this.#streamed < this.#log.length) this.stream();
    this.consume(Infinity);
  }

  expectEqual(): void {
    expect(new Map([...this.copy.rows].sort())).toEqual(new Map([...this.#source].sort()));
  }

  /** The copy is what the stream has come to; but for rows that were wrong from the beginning, and of which nothing came. */
  #expectTrue(applied: readonly StoredRecord[]): void {
    const truth = this.#truth[this.copy.offset] ?? new Map<number, string>();
    for (const { key, value } of applied) {
      if (key === null) for (const row of this.wrong) this.touched.add(row);
      else if (value !== null && key !== controlRecordKey('reread'))
        this.touched.add(Number(/\d+/.exec(key)));
    }
    for (const row of this.wrong) {
      const text = this.copy.rows.get(row);
      if (!this.touched.has(row) && text === 'wrong') continue;
      expect([row, text]).toEqual([row, truth.get(row)]);
    }
  }

  #append(records: readonly BusRecord[]): void {
    for (const record of records) {
      this.#topic.push(...stored([record], this.#topic.length));
      const now = new Map(this.#truth.at(-1));
      const row = Number(/\d+/.exec(record.key ?? ''));
      if (record.key === null) now.clear();
      else if (record.key !== controlRecordKey('reread') && record.value !== null) {
        const { after } = JSON.parse(record.value) as { after: { body: string } | null };
        if (after) now.set(row, after.body);
        else now.delete(row);
      }
      this.#truth.push(now);
    }
  }
}

const ROWS = [1, 2, 3];
const row = fc.constantFrom(...ROWS);
const asker = fc.nat(2);
type Step = (world: World) => void;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: row.map(
      (id): Step =>
        (world) =>
          world.write(id),
    ),
  },
  {
    weight: 2,
    arbitrary: row.map(
      (id): Step =>
        (world) =>
          world.delete(id),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.truncate()) },
  { weight: 6, arbitrary: fc.constant<Step>((world) => world.stream()) },
  {
    weight: 9,
    arbitrary: fc.tuple(asker, row).map(
      ([who, id]): Step =>
        (world) =>
          world.ask(who, id),
    ),
  },
  {
    weight: 1,
    arbitrary: asker.map(
      (who): Step =>
        (world) =>
          world.die(who),
    ),
  },
  {
    weight: 5,
    arbitrary: fc.integer({ min: 1, max: 5 }).map(
      (n): Step =>
        (world) =>
          world.consume(n),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((world) => world.copy.restart()) },
);

test('whatever changes, is read again, dies or starts again, the copy is what the stream has come to', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const world = new World(ROWS);
      for (const take of steps) take(world);
      world.drain();
      // At rest, each row that is read again is taken, whatever was left open before.
      for (const id of ROWS) for (let i = 0; i < 3; i += 1) world.ask(9, id);
      world.drain();
      world.expectEqual();
    }),
    { numRuns: 1_000 },
  );
});
