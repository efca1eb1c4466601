import { carriedTables } from '@banyan/cdc';
import { controlRecordKey, tableTopic } from '@banyan/contracts';
import { resync } from '../domain/resync.ts';
import type { SliceState } from '../domain/slice-state.ts';
import { copyCompleted, feedDetached, snapshotRequested } from '../domain/sync-steps.ts';
import type { Clock } from '../ports/clock.ts';
import type {
  CarriedTable,
  CaughtUp,
  ControlBus,
  Source,
  TableSnapshotProgress,
  TableSnapshots,
} from '../ports/feed.ts';
import { progressOf } from './copy-progress.ts';
import type { FeedContinuity } from './feed-continuity.ts';
import { withDeadline } from './loop.ts';
import type { ManagedSlice } from './managed-slice.ts';
import type { SliceLedger } from './slice-ledger.ts';

const SOURCE_DEADLINE_MS = 10_000;
/** Longer than the source itself tries to get between the writers of busy tables. */
const FEED_CHANGE_DEADLINE_MS = 60_000;
const BUS_DEADLINE_MS = 10_000;
/** The service may have a whole table to apply. A wait that runs out is begun again. */
const FIRST_CATCH_UP_DEADLINE_MS = 60_000;

/** A table snapshot will never be complete; a person has to look at the table. */
export class TableSnapshotFailedError extends Error {
  readonly code = 'table-snapshot-failed';
  override readonly name = 'TableSnapshotFailedError';

  constructor(slice: string, failed: readonly string[], stopped: readonly string[]) {
    const causes = [
      ...(failed.length > 0
        ? [`the table snapshot of ${failed.join(', ')} failed: is the table gone, or without a primary key?`]
        : []),
      ...(stopped.length > 0
        ? [`the table snapshot of ${stopped.join(', ')} was stopped through banyan.signal.`]
        : []),
    ];
    super(
      `${causes.join(' ')} Mend it, then: banyan rollback ${slice} --reason "table snapshot failed", banyan advance ${slice}`,
    );
  }
}

export interface SyncDriverDeps {
  readonly ledger: SliceLedger;
  readonly clock: Clock;
  readonly source: Pick<
    Source,
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
  /** Changes of the feed's tables, one after another: two slices may share a table. */
  #feedChange: Promise<void> = Promise.resolve();

  constructor(deps: SyncDriverDeps) {
    this.#deps = deps;
  }

  /** Makes the next step of this state, if one is due. Throws what the source, bus or store throws. */
  async step(slice: ManagedSlice, state: SliceState, signal: AbortSignal): Promise<void> {
    switch (state.phase) {
      case 'monolith':
        if (state.feed === 'attached') await this.#detach(slice, state, signal);
        return;
      case 'syncing':
        if (state.copy.step === 'starting') await this.#startCopy(slice, state, signal);
        if (state.copy.step === 'copying') await this.#finishCopy(slice, state, signal);
        return;
      case 'canary':
        return;
    }
  }

  async #startCopy(slice: ManagedSlice, state: SliceState, signal: AbortSignal): Promise<void> {
    const { source, bus, topicPrefix } = this.#deps;
    // 1. From here on every change of the tables is on its way to the service: nothing falls between.
    await this.#changeFeed(() =>
      source.ensureTables(this.#carriedOf(slice), withDeadline(signal, FEED_CHANGE_DEADLINE_MS)),
    );
    // 2. A control plane that slept through the steps of another must not empty the copy that the other made.
    if (!(await this.#isStillAt(state))) return;
    // 3. Which feed it is, before anything is asked of it: should it begin anew from here on, the copy is of an older one.
    const feed = await this.#deps.continuity.mark(slice, signal);
    // 4. What an earlier copy left goes before the first row of the new one comes: same topic, same order.
    await bus.append(
      slice.tables.map((table) => ({
        topic: tableTopic(topicPrefix, table),
        key: controlRecordKey('reset'),
        headers: { id: `${slice.name}-${state.epoch}`, slice: slice.name, epoch: String(state.epoch) },
        value: null,
      })),
      withDeadline(signal, BUS_DEADLINE_MS),
    );
    // 5. After the reset, else it would take rows of the snapshot away.
    const snapshotId = await source.requestTableSnapshot(
      slice.tables,
      withDeadline(signal, SOURCE_DEADLINE_MS),
    );
    // 6. Written down last. Killed before this, the steps are made again with a new snapshot, which is right too.
    await this.#commit(state, snapshotRequested(state, snapshotId, feed), `table snapshot ${snapshotId}`);
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
      slice.tables.filter((table) => progressOf(tableSnapshots, table, snapshotId)?.state === state);
    const [failed, stopped] = [those('failed'), those('stopped')];
    if (failed.length + stopped.length > 0) throw new TableSnapshotFailedError(slice.name, failed, stopped);
    // 1. COMPLETED of every table was seen: all rows are on the bus.
    const isCompleted = (table: string): boolean =>
      progressOf(tableSnapshots, table, snapshotId)?.state === 'completed';
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
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'copy-lost') throw error;
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
    await this.#changeFeed(async () => {
      // Looked at inside the queue: a slice that began meanwhile keeps its tables.
      const { slices } = await this.#deps.ledger.readAll();
      const needed = new Set(
        this.#deps.slices
          .filter((other) => slices.some(({ name, phase }) => name === other.name && phase !== 'monolith'))
          .flatMap((other) => other.tables),
      );
      const free = slice.tables.filter((table) => !needed.has(table));
      if (free.length > 0) {
        // 1. Nobody wants the rows any more. 2. Only then out of the feed: a table that is not in it has failed.
        await this.#deps.source.stopTableSnapshots(free, withDeadline(signal, SOURCE_DEADLINE_MS));
        await this.#deps.source.removeTables(free, withDeadline(signal, FEED_CHANGE_DEADLINE_MS));
      }
    });
    // A service that is switched off for good must not keep the bus from being trimmed. One that runs comes again.
    await this.#deps.bus.release(slice.name);
    await this.#commit(state, feedDetached(state), 'tables taken out of the feed');
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
