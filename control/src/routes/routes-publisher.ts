import { routesSnapshotSchema, type ResolvedBanyanConfig, type RoutesSnapshot } from '@banyan/contracts';
import { shareOf } from '../slices/domain/slice-state.ts';
import type { Clock } from '../clock.ts';
import type { StoredSlices } from '../slices/store/slice-store.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';
import type { SliceLedger } from '../slices/ledger/slice-ledger.ts';

/** What every snapshot says besides its slices. */
export interface RoutesSettings extends Omit<ResolvedBanyanConfig, 'slices'> {
  readonly monolithUpstreams: readonly string[];
}

export interface RoutesPublisherDeps {
  readonly ledger: SliceLedger;
  readonly slices: readonly ManagedSlice[];
  readonly settings: RoutesSettings;
  readonly clock: Clock;
}

/**
 * Makes routes snapshots of the store and hands them to proxies. A snapshot that does not fit the contract never
 * leaves: the one before stays.
 */
export class RoutesPublisher {
  readonly #deps: RoutesPublisherDeps;
  readonly #listeners = new Set<(snapshot: RoutesSnapshot) => void>();
  #current: RoutesSnapshot | null = null;
  #refreshing: Promise<void> = Promise.resolve();

  constructor(deps: RoutesPublisherDeps) {
    this.#deps = deps;
  }

  /** The snapshot in force. @throws Error before the first `refresh`. */
  current(): RoutesSnapshot {
    if (!this.#current) throw new Error('There is no routes snapshot yet.');
    return this.#current;
  }

  /** Publishes what the store says, if it is newer. One after another, so that versions only rise. */
  refresh(): Promise<void> {
    const refreshed = this.#refreshing.then(() => this.#refresh());
    this.#refreshing = refreshed.catch(() => {
      // whoever asked sees it; the next refresh does not depend on it
    });
    return refreshed;
  }

  async #refresh(): Promise<void> {
    const stored = await this.#deps.ledger.readAll();
    if (this.#current && stored.version <= this.#current.version) return;
    const made = routesSnapshotSchema.safeParse(this.#make(stored));
    if (!made.success) {
      const problems = made.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
      throw new Error(`Routes version ${stored.version} is not valid: ${problems.join('; ')}`);
    }
    this.#current = made.data;
    for (const listener of this.#listeners) listener(made.data);
  }

  #make({ version, slices: states }: StoredSlices): RoutesSnapshot {
    const { slices, settings, clock } = this.#deps;
    return {
      version,
      issuedAtMs: clock.nowMs(),
      monolithUpstreams: [...settings.monolithUpstreams],
      monolithDeadlineMs: settings.monolithDeadlineMs,
      paths: settings.paths,
      visitors: settings.visitors,
      slices: slices.flatMap((slice) =>
        states
          .filter((state) => state.name === slice.name)
          .map((state) => ({
            name: slice.name,
            phase: state.phase,
            owner: 'monolith' as const,
            share: shareOf(state),
            salt: state.salt,
            rolledBack: state.rolledBack,
            monolithIsFresh: true, // the monolith accepts all writes in every phase that there is
            routes: slice.definition.routes.map(({ path, methods }) => ({
              path,
              ...(methods && { methods: [...methods] }),
            })),
            upstreams: [slice.serviceUrl],
            serviceDeadlineMs: settings.serviceDeadlinesMs[slice.name] ?? 2_000,
          })),
      ),
    };
  }

  /** Calls back with each new snapshot. @returns a function that ends it. */
  subscribe(listener: (snapshot: RoutesSnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for the refresh that runs. */
  async close(): Promise<void> {
    await this.#refreshing;
  }
}
