import { catalogChanges, PUBLICATION_MEMBER, SourceTableError } from '@banyan/cdc/capture';
import type { SyncReport } from '@banyan/contracts';
import { messageOf, withDeadline } from '@banyan/kit';
import { copyOf, type CatalogMark, type FeedMark, type SliceState } from '../slices/domain/slice-state.ts';
import type { Clock } from '../clock.ts';
import type { FeedHistory, MonolithDatabase, TableFeed } from './ports.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';

const DEADLINE_MS = 5_000;

/** What a look at the feed of a copy came to. */
export interface FeedLook {
  /** The copy that was looked at. */
  readonly snapshotId: string;
  /** When it was last known for sure, milliseconds since the epoch; null with no such time. */
  readonly knownAtMs: number | null;
  /** Why the copy is worth nothing; null when it is good, or that is not known. */
  readonly broken: string | null;
  /** What in the source makes rows of the copy suspect, with what its columns mean now; null when nothing does. */
  readonly suspect: { readonly because: string; readonly catalog: CatalogMark } | null;
  /** Why it could not be told the last time; null when it could. */
  readonly error: string | null;
}

export interface FeedContinuityDeps {
  readonly database: Pick<MonolithDatabase, 'feedMembership' | 'catalogMark'>;
  readonly feed: Pick<TableFeed, 'describeTables'>;
  readonly history: FeedHistory;
  /** Name of the reader's slot, and of the feed. */
  readonly slot: string;
  readonly clock: Clock;
}

/** Tells whether a copy is still of the feed that its table snapshot was asked of. */
export class FeedContinuity {
  readonly #deps: FeedContinuityDeps;
  readonly #looks = new Map<string, FeedLook>();
  /** Table snapshots after which the service has said that its copy is whole; before, it tells of an older one. */
  readonly #whole = new Map<string, string>();

  constructor(deps: FeedContinuityDeps) {
    this.#deps = deps;
  }

  /**
   * The feed that a table snapshot can be asked of now.
   *
   * @throws Error when there is none: no reader ever ran, or the feed is just restarting.
   */
  async mark(slice: ManagedSlice, signal: AbortSignal): Promise<FeedMark> {
    const { database, history, slot } = this.#deps;
    const position = await history.sourcePosition(slot);
    if (!position) throw new Error('the feed has not begun yet: the reader has not stored a position');
    if (position.anewReason !== null) throw new Error(`the feed is restarting: ${position.anewReason}`);
    const membership = await database.feedMembership(slice.carried, withDeadline(signal, DEADLINE_MS));
    const catalog = await this.#catalog(slice, signal);
    return { incarnation: position.incarnation, beganAtMs: position.incarnationAtMs, membership, catalog };
  }

  /** The last look at this very copy; null without one. */
  last(state: SliceState): FeedLook | null {
    const look = this.#looks.get(state.name);
    const copy = copyOf(state);
    return look && copy && copy.step !== 'starting' && copy.snapshotId === look.snapshotId ? look : null;
  }

  /**
   * Looks now. Does not throw: what cannot be asked is not known.
   *
   * @param report The service's, if there is a fresh one.
   */
  async look(
    slice: ManagedSlice,
    state: SliceState,
    report: SyncReport | null,
    signal: AbortSignal,
  ): Promise<FeedLook | null> {
    const copy = copyOf(state);
    if (!copy || copy.step === 'starting') return null;
    const { snapshotId, feed } = copy;
    const before = this.last(state);
    let broken = this.#lost(slice, { snapshotId, isComplete: copy.step === 'complete' }, report);
    let suspect: FeedLook['suspect'] = null;
    let error: string | null = null;
    try {
      broken ??= await this.#otherIncarnation(feed);
      broken ??= await this.#otherTables(slice, feed, signal);
      if (broken === null) suspect = await this.#suspect(slice, feed, signal);
    } catch (cause) {
      error = messageOf(cause);
    }
    if (signal.aborted) return before;
    const knownAtMs = error === null ? this.#deps.clock.nowMs() : (before?.knownAtMs ?? null);
    const look = { snapshotId, knownAtMs, broken, suspect, error };
    this.#looks.set(slice.name, look);
    return look;
  }

  /** A copy of before marks were kept has nothing to be compared with. */
  async #suspect(slice: ManagedSlice, feed: FeedMark, signal: AbortSignal): Promise<FeedLook['suspect']> {
    if (feed.catalog == null) return null;
    const catalog = await this.#catalog(slice, signal);
    const changes = catalogChanges(feed.catalog, catalog);
    return changes.length === 0 ? null : { because: changes.join('; '), catalog };
  }

  #catalog({ definition }: ManagedSlice, signal: AbortSignal): Promise<CatalogMark> {
    const columns = definition.tables.map(({ source, columns }) => [source, Object.keys(columns)] as const);
    return this.#deps.database.catalogMark(Object.fromEntries(columns), withDeadline(signal, DEADLINE_MS));
  }

  async #otherIncarnation({ incarnation, beganAtMs }: FeedMark): Promise<string | null> {
    const position = await this.#deps.history.sourcePosition(this.#deps.slot);
    if (!position) return 'this is another bus: it knows nothing of the feed';
    if (position.anewReason !== null) return `the feed has to restart: ${position.anewReason}`;
    const isOther =
      position.incarnation !== incarnation ||
      (beganAtMs !== null && position.incarnationAtMs !== null && beganAtMs !== position.incarnationAtMs);
    return isOther
      ? `the feed restarted (incarnation ${position.incarnation}): ${position.incarnationReason}; the copy was made with incarnation ${incarnation}`
      : null;
  }

  async #otherTables(
    slice: ManagedSlice,
    { membership }: FeedMark,
    signal: AbortSignal,
  ): Promise<string | null> {
    if (membership === null) return null;
    const now = await this.#deps.database.feedMembership(slice.carried, withDeadline(signal, DEADLINE_MS));
    if (now === membership) return null;
    const { isPublication, tables, others } = membershipChange(membership, now);
    if (isPublication) {
      return 'somebody changed what the publication of the feed carries; changes may be missing, even if it has been changed back';
    }
    if (tables.length === 0) {
      return `the slice maps other columns of ${others.join(', ')} than when the copy was made, or one of them was missing from the feed for a while`;
    }
    const unfit = await this.#whyUnfit(tables, signal);
    return unfit === null
      ? `taken out of the feed or re-created: ${tables.join(', ')}; changes may be missing`
      : `${tables.join(', ')} left the feed. ${unfit}`;
  }

  /** Null when the feed could carry them, or that is not known. */
  async #whyUnfit(tables: readonly string[], signal: AbortSignal): Promise<string | null> {
    try {
      await this.#deps.feed.describeTables(tables, withDeadline(signal, DEADLINE_MS));
      return null;
    } catch (error) {
      return error instanceof SourceTableError ? messageOf(error).replaceAll(/\n\s*-?\s*/g, ' ') : null;
    }
  }

  #lost(
    slice: ManagedSlice,
    copy: { readonly snapshotId: string; readonly isComplete: boolean },
    report: SyncReport | null,
  ): string | null {
    if (!report) return null;
    const lost = report.tables.filter((table) => table.lost).map(({ source }) => source);
    if (lost.length === 0) this.#whole.set(slice.name, copy.snapshotId);
    // While the new table snapshot has not reached the service, it still tells of the copy that was lost before.
    const counts = copy.isComplete || this.#whole.get(slice.name) === copy.snapshotId;
    return lost.length > 0 && counts
      ? `the copy of ${lost.join(', ')} is lost: the bus dropped records before the service had applied them`
      : null;
  }
}

/** In words, what differs between two texts of `MonolithDatabase.feedMembership`: `name=table/member/columns`, one a table. */
function membershipChange(
  before: string,
  now: string,
): {
  readonly isPublication: boolean;
  readonly tables: readonly string[];
  readonly others: readonly string[];
} {
  const members = (text: string): string[] => text.split(' ');
  const nameOf = (member: string): string => member.slice(0, member.lastIndexOf('='));
  // All but the columns.
  const tableOf = (member: string): string => member.split('/').slice(0, 2).join('/');
  const changed = members(now).filter((member) => !members(before).includes(member));
  const tables = changed.filter((member) => !members(before).map(tableOf).includes(tableOf(member)));
  const names = tables.map(nameOf);
  return {
    isPublication: names.includes(PUBLICATION_MEMBER),
    tables: names.filter((name) => name !== PUBLICATION_MEMBER),
    others: changed.map(nameOf),
  };
}
