import { describe, expect, test } from '@jest/globals';
import { controlRecordKey } from '@banyan/contracts';
import fc from 'fast-check';
import type { BusRecord, StoredRecord } from '../bus/bus.ts';
import type { ApplyBatch, PartitionProgress, RereadWindow } from './apply-store.ts';
import {
  note,
  notesSlice,
  notesTopic,
  rereadBegun,
  rereadRow,
  rowRecord,
  tombstone,
} from './consumer-test-bed.ts';
import { compileMapping, type CompiledTable } from './mapping.ts';
import { planBatch } from './plan-batch.ts';
import { RereadWindows } from './reread-windows.ts';
import { initialStates, type TopicState } from './topic-state.ts';

const table = notesSlice.tables.map(compileMapping)[0] as CompiledTable;

/** What a store keeps, and what the consumer knows of it; `restart` forgets all but what is kept. */
class Copy {
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
      ...{ topics: new Map([[notesTopic, table]]), partitions: new Map([[notesTopic, [0]]]) },
      ...{ progress: this.#progress, held: [], windows: [...this.#windows.values()], busId: 'b' },
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

function stored(records: readonly BusRecord[], from = 0): StoredRecord[] {
  return records.map((record, i) => ({ ...record, partition: 0, offset: from + i, storedAtMs: from + i }));
}

const whole = (op: 'c' | 'u' | 'r', id: number, body: string): BusRecord => rowRecord(op, note(id, { body }));

/** Applies records one batch each, or all in one, and tells the texts of the rows. */
function textsAfter(records: readonly BusRecord[], batchRecords: number): [Copy, (string | undefined)[]] {
  const copy = new Copy();
  const all = stored(records);
  for (let i = 0; i < all.length; i += batchRecords) copy.apply(all.slice(i, i + batchRecords));
  return [copy, [1, 2].map((id) => copy.rows.get(id))];
}

describe.each([1, 100])('in batches of %d records', (batchRecords) => {
  const read = (id: string, body = 'read', row = 1): BusRecord => rereadRow(id, whole('r', row, body));

  test.each<[string, readonly BusRecord[], (string | undefined)[]]>([
    ['counts when nothing came in between', [rereadBegun('a', 1), read('a')], ['read', undefined]],
    ['counts once', [rereadBegun('a', 1), read('a'), whole('u', 1, 'u'), read('a')], ['u', undefined]],
    ['does not count without a window', [whole('c', 1, 'c'), read('a')], ['c', undefined]],
    [
      'does not count when its row was changed',
      [whole('c', 1, 'c'), rereadBegun('a', 1), whole('u', 1, 'u'), read('a')],
      ['u', undefined],
    ],
    [
      'does not count when its row was read by a table snapshot',
      [rereadBegun('a', 1), whole('r', 1, 'snapshot'), read('a')],
      ['snapshot', undefined],
    ],
    [
      'does not count when its row was deleted',
      [whole('c', 1, 'c'), rereadBegun('a', 1), rowRecord('d', { id: 1 }), tombstone(1), read('a')],
      [undefined, undefined],
    ],
    [
      'does not count when its table was emptied',
      [rereadBegun('a', 1), rowRecord('t', {}), read('a')],
      [undefined, undefined],
    ],
    [
      'does not count when the copy was emptied',
      [
        rereadBegun('a', 1),
        { topic: notesTopic, key: controlRecordKey('reset'), headers: { id: 'x' }, value: null },
        read('a'),
      ],
      [undefined, undefined],
    ],
    [
      'counts though other rows were changed, and a barrier came',
      [
        rereadBegun('a', 1),
        whole('c', 2, 'c'),
        { topic: notesTopic, key: controlRecordKey('barrier'), headers: { id: 'x' }, value: null },
        read('a'),
      ],
      ['read', 'c'],
    ],
    [
      'does not count when it was begun again under another id, which does',
      [rereadBegun('a', 1), rereadBegun('b', 1), read('a', 'older'), read('b', 'newer')],
      ['newer', undefined],
    ],
    [
      'that is gone at the source goes here',
      [whole('c', 1, 'c'), rereadBegun('a', 1), rereadRow('a', rowRecord('d', { id: 1 }))],
      [undefined, undefined],
    ],
  ])('a row that was read again %s', (_what, records, texts) => {
    const [copy, got] = textsAfter(records, batchRecords);
    expect(got).toEqual(texts);
    expect([...copy.windows.keys()]).toEqual([]);
  });
});

describe('windows', () => {
  const begun = (i: number, id = 'a'): StoredRecord => stored([rereadBegun(id, i)], i)[0] as StoredRecord;
  const open = (windows: RereadWindows, i: number, id = 'a'): boolean =>
    windows.take({ id, key: `{"id":${i}}`, isRow: false }, begun(i, id));

  test('left open are kept up to a bound, the oldest go first, and one that is opened again is new', () => {
    const windows = new RereadWindows(new Map());
    for (let i = 0; i < 10_000; i += 1) open(windows, i);
    open(windows, 0, 'again');
    open(windows, 10_000);
    open(windows, 10_001);
    expect(windows.open.size).toBe(10_000);
    expect([0, 1, 2, 3].map((i) => windows.open.get(`{"id":${i}}`)?.id)).toEqual([
      ...['again', undefined, undefined, 'a'],
    ]);
  });

  test('are of their partition: a row that comes on another one does not count', () => {
    const windows = new RereadWindows(new Map());
    open(windows, 1);
    const reread = { id: 'a', key: '{"id":1}', isRow: true };
    expect(windows.take(reread, { ...begun(1), partition: 3 })).toBe(false);
    expect(windows.take(reread, begun(1))).toBe(true);
  });

  test('cost nothing while none is open, nor while records are of other keys', () => {
    const empty = new Map<string, RereadWindow>();
    const none = new RereadWindows(empty);
    none.spoil('{"id":1}');
    none.spoil(null);
    expect(none.open).toBe(empty);
    const some = new RereadWindows(new Map());
    open(some, 1);
    const before = new RereadWindows(some.open);
    before.spoil('{"id":2}');
    expect(before.open).toBe(some.open);
    before.spoil('{"id":1}');
    expect([before.open.size, some.open.size]).toEqual([0, 1]);
  });
});

/** A table of three rows, the stream of its changes, and those who read single rows again beside it. */
class World {
  readonly copy = new Copy();
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
