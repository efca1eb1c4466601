import { controlRecordKey } from '@banyan/contracts';
import type { StoredRecord } from '../bus/bus.ts';
import type { RereadWindow } from './apply-store.ts';
import { RecordError } from './decode.ts';

/** Windows of one topic that are kept; whoever asked for the oldest ones died long ago. */
const MAX_WINDOWS = 10_000;

const rereadKey = controlRecordKey('reread');

/** What a record says of a row that is read again at the source. */
export interface Reread {
  readonly id: string;
  /** The row's key on the bus. */
  readonly key: string;
  /** True when it brings the row, false when it says that the row is about to be read. */
  readonly isRow: boolean;
}

/** Null for a record that is about no such row. @throws RecordError when it does not say about which. */
export function rereadOf({ key, headers, value }: StoredRecord): Reread | null {
  if (key !== rereadKey) return null;
  const { id, key: rowKey } = headers;
  if (!id || !rowKey) throw new RecordError('a row read again without id or key');
  return { id, key: rowKey, isRow: value !== null };
}

/**
 * The rule by which a row that was read beside the stream finds its place in it. Before the read a window is opened for
 * the row's key, and the row itself comes once everything that the read saw is on the topic. If nothing of the key came
 * in between, the row is what the stream has come to there; otherwise what came has its own say, and the row has none.
 */
export class RereadWindows {
  #open: ReadonlyMap<string, RereadWindow>;
  /** Copied only by a batch that changes them. */
  #copy: Map<string, RereadWindow> | null = null;

  /** @param open Key to window, longest open first. */
  constructor(open: ReadonlyMap<string, RereadWindow>) {
    this.#open = open;
  }

  get open(): ReadonlyMap<string, RereadWindow> {
    return this.#open;
  }

  /** A record of this key came; without a key it may be about any row. */
  spoil(key: string | null): void {
    if (this.#open.size === 0) return;
    if (key === null) this.#change().clear();
    else if (this.#open.has(key)) this.#change().delete(key);
  }

  /** Opens a window, or closes one. @returns true when the record brings a row that counts. */
  take({ id, key, isRow }: Reread, { topic, partition, storedAtMs }: StoredRecord): boolean {
    const window = this.#open.get(key);
    if (isRow) {
      if (window?.id !== id || window.partition !== partition) return false;
      this.#change().delete(key);
      return true;
    }
    const open = this.#change();
    open.delete(key); // the newest stands last
    open.set(key, { topic, key, partition, id, openedAtMs: storedAtMs });
    const [oldest] = open.keys();
    if (open.size > MAX_WINDOWS && oldest !== undefined) open.delete(oldest);
    return false;
  }

  #change(): Map<string, RereadWindow> {
    this.#copy ??= new Map(this.#open);
    this.#open = this.#copy;
    return this.#copy;
  }
}

/** What a batch does to the windows of a topic. One that was opened and closed within it leaves no trace. */
export function windowChanges(
  before: ReadonlyMap<string, RereadWindow>,
  after: ReadonlyMap<string, RereadWindow>,
): { readonly closed: readonly RereadWindow[]; readonly opened: readonly RereadWindow[] } {
  if (before === after) return { closed: [], opened: [] };
  return {
    closed: [...before.values()].filter((window) => after.get(window.key) !== window),
    opened: [...after.values()].filter((window) => before.get(window.key) !== window),
  };
}
