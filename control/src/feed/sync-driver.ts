import { carriedTables } from '@banyan/cdc/capture';
import { NotCaughtUpError } from '@banyan/cdc/verify';
import { withDeadline } from '@banyan/kit';
import { resync } from '../slices/domain/resync.ts';
import { type SliceState } from '../slices/domain/slice-state.ts';
import { copyCompleted, feedDetached, snapshotRequested } from '../slices/domain/sync-steps.ts';
import type { Clock } from '../clock.ts';
import type {
  CarriedTable,
  CaughtUp,
  ControlBus,
  TableFeed,
  TableSnapshotProgress,
  TableSnapshots,
} from './ports.ts';
import { copyAnnouncement } from './copy-announcement.ts';
import { sliceInSnapshot } from './copy-progress.ts';
import type { FeedContinuity } from './feed-continuity.ts';
import type { ManagedSlice, SliceWithState } from '../slices/managed-slice.ts';
import { OpenSnapshots } from './open-snapshots.ts';
import { TableSnapshotFailedError } from './table-snapshot-failed-error.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';

const SOURCE_DEADLINE_MS = 10_000;
/** Longer than the source itself tries to get between the writers of busy tables. */
const FEED_CHANGE_DEADLINE_MS = 60_000;
const BUS_DEADLINE_MS = 10_000;
/** The service may have a whole table to apply. A wait that runs out is begun again. */
const FIRST_CATCH_UP_DEADLINE_MS = 60_000;

export interface SyncDriverDeps {
  readonly ledger: SliceLedger;
  readonly clock: Clock;
  readonly feed: Pick<
    TableFeed,
    'ensureTables' | 'removeTables' | 'requestTableSnapshot' | 'stopTableSnapshots'
  >;
  readonly bus: ControlBus;
  readonly tableSnapshots: TableSnapshots;
  readonly caughtUp: CaughtUp;
  readonly continuity: Pick<FeedContinuity, 'mark'>;
  readonly topicPrefix: string;
  /** Every slice, to leave those tables in the feed that another one still needs. */
  readonly slices: readonly ManagedSlice[];
}

/**
 * Brings a slice's tables into the service and out of the feed again. Each step is written down only once its
 * effects are done, and each effect may be done twice: after a kill at any point the step is simply made again.
 */
export class SyncDriver {
  readonly #deps: SyncDriverDeps;
  /** Changes of the feed, one after another: two slices may share a table, and Debezium takes one table snapshot at a time. */
  #feedChange: Promise<void> = Promise.resolve();
  readonly #openSnapshots: OpenSnapshots;

  constructor(deps: SyncDriverDeps) {
    this.#deps = deps;
    this.#openSnapshots = new OpenSnapshots(deps);
  }

  /** Makes the next step of this state, if one is due. Throws what the source, bus or store throws. */
  async step(slice: ManagedSlice, state: SliceState, signal: AbortSignal): Promise<void> {
    switch (state.phase) {
      case 'monolith':
        if (state.feed === 'attached') await this.#detach(slice, state, signal);
        return;
      case 'syncing':
        if (state.copy.step === 'starting')
          await this.#changeFeed(() => this.#startCopy(slice, state, signal));
        if (state.copy.step === 'copying') await this.#finishCopy(slice, state, signal);
        return;
      case 'canary':
        return;
    }
  }

  async #startCopy(slice: ManagedSlice, state: SliceState, signal: AbortSignal): Promise<void> {
    const { feed, bus, topicPrefix, slices } = this.#deps;
    // 0. One table snapshot after another; this one is begun when the others' are done.
    const others = (await this.#all()).filter((each) => each.slice !== slice);
    if (sliceInSnapshot(others, this.#deps.tableSnapshots) !== null) return;
    // 1. From here on every change of the tables is on its way to the service: nothing falls between.
    await feed.ensureTables(this.#carriedOf(slice), withDeadline(signal, FEED_CHANGE_DEADLINE_MS));
    // 2. A control plane that slept through the steps of another must not empty the copy that the other made.
    if (!(await this.#isStillAt(state))) return;
    // 3. Which feed it is, before anything is asked of it: should it restart from here on, the copy is of an older one.
    const mark = await this.#deps.continuity.mark(slice, signal);
    // 4. One that nobody waits for any more would be taken for this one by Debezium, which knows one at a time.
    await this.#openSnapshots.end([...new Set(slices.flatMap(({ tables }) => tables))], signal);
    // 5. What an earlier copy left goes before the first row of the new one comes: same topic, same order.
    await bus.append(
      copyAnnouncement({ slice, state, others, topicPrefix }),
      withDeadline(signal, BUS_DEADLINE_MS),
    );
    // 6. After the reset, else it would take rows of the snapshot away.
    const snapshotId = await feed.requestTableSnapshot(
      slice.tables,
      withDeadline(signal, SOURCE_DEADLINE_MS),
    );
    // 7. Written down last. Killed before this, the steps are made again with a new snapshot, which is right too.
    await this.#commit(state, snapshotRequested(state, snapshotId, mark), `table snapshot ${snapshotId}`);
  }

  /** Its tables, with what other slices map of them too: their consumers read the same topics. */
  #carriedOf(slice: ManagedSlice): readonly CarriedTable[] {
    const all = carriedTables(this.#deps.slices.map(({ definition }) => definition));
    return all.filter(({ name }) => slice.tables.includes(name));
  }

  async #finishCopy(slice: ManagedSlice, state: SliceState, signal: AbortSignal): Promise<void> {
    const { tableSnapshots, caughtUp, clock } = this.#deps;
    if (state.phase !== 'syncing' || state.copy.step !== 'copying') return;
    const { snapshotId, feed } = state.copy;
    const those = (state: TableSnapshotProgress['state']): string[] =>
      slice.tables.filter((table) => tableSnapshots.progress(table, snapshotId)?.state === state);
    const [failed, stopped] = [those('failed'), those('stopped')];
    if (failed.length + stopped.length > 0) throw new TableSnapshotFailedError(slice.name, failed, stopped);
    // 1. COMPLETED of every table was seen: all rows are on the bus.
    const isCompleted = (table: string): boolean =>
      tableSnapshots.progress(table, snapshotId)?.state === 'completed';
    if (!slice.tables.every(isCompleted)) return;
    // 2. A position taken after that was applied: all rows are in the service.
    const position = await caughtUp
      .wait({
        slice: slice.definition,
        copy: slice.copy,
        markOf: () => Promise.resolve(feed),
        signal: withDeadline(signal, FIRST_CATCH_UP_DEADLINE_MS),
      })
      .then((reached) => reached.position)
      .catch((error: unknown) => this.#beginAgainIfLost(state, error));
    if (position === null) return;
    // 3. Only now the copy counts as complete.
    await this.#commit(state, copyCompleted(state, clock.nowMs()), `caught up to ${position}`);
  }

  /** The new copy has lost records too, before it was complete. @throws the error when it is another one. */
  async #beginAgainIfLost(state: SliceState, error: unknown): Promise<null> {
    const { ledger, clock } = this.#deps;
    if (!(error instanceof NotCaughtUpError) || error.code !== 'copy-lost') throw error;
    const next = resync(state, clock.nowMs());
    if (next) {
      await ledger.commit({
        from: state,
        next,
        by: 'feed',
        verb: 'resync',
        reason: error.message,
        evidence: [],
      });
    }
    return null;
  }

  async #detach(slice: ManagedSlice, state: SliceState, signal: AbortSignal): Promise<void> {
    if (slice.tables.length === 0) {
      await this.#commit(state, feedDetached(state), 'it has no tables');
      return;
    }
    await this.#changeFeed(async () => {
      // Looked at inside the queue: a slice that began meanwhile keeps its tables.
      const others = (await this.#all()).filter((each) => each.slice !== slice);
      const needed = new Set(
        others.flatMap((other) => (other.state.phase === 'monolith' ? [] : other.slice.tables)),
      );
      const free = slice.tables.filter((table) => !needed.has(table));
      // 1. Nobody wants the rows any more; where another slice's table snapshot runs, this one's does not.
      const isOwn = sliceInSnapshot(others, this.#deps.tableSnapshots) === null;
      const { feed } = this.#deps;
      await feed.stopTableSnapshots(isOwn ? slice.tables : free, withDeadline(signal, SOURCE_DEADLINE_MS));
      // 2. Only then out of the feed: a table that is not in it has failed.
      if (free.length > 0) await feed.removeTables(free, withDeadline(signal, FEED_CHANGE_DEADLINE_MS));
    });
    // A service that is switched off for good must not keep the bus from being trimmed. One that runs comes again.
    await this.#deps.bus.release(slice.name);
    await this.#commit(state, feedDetached(state), 'tables taken out of the feed');
  }

  async #all(): Promise<readonly SliceWithState[]> {
    const { slices } = await this.#deps.ledger.readAll();
    return this.#deps.slices.flatMap((slice) =>
      slices.filter(({ name }) => name === slice.name).map((state) => ({ slice, state })),
    );
  }

  async #isStillAt(state: SliceState): Promise<boolean> {
    return (await this.#deps.ledger.read(state.name)).epoch === state.epoch;
  }

  async #commit(from: SliceState, next: SliceState | null, reason: string): Promise<void> {
    if (!next) return;
    await this.#deps.ledger.commit({ from, next, by: 'control', verb: 'sync', reason, evidence: [] });
  }

  #changeFeed(change: () => Promise<void>): Promise<void> {
    const changed = this.#feedChange.then(change);
    this.#feedChange = changed.catch(() => {
      // whoever asked for that change sees its error; the next change does not depend on it
    });
    return changed;
  }
}
