/** What a verification found. Rows are summed over the slice's tables. */
export interface Verification {
  readonly finishedAtMs: number;
  readonly rowsSource: number;
  readonly rowsTarget: number;
  readonly differences: number;
  /** At most ten, for people. */
  readonly examples: readonly string[];
}

/** Which feed a copy is of; a copy of another feed than today's is worth nothing, since changes may lie between. */
export interface FeedMark {
  readonly incarnation: number;
  readonly beganAtMs: number | null;
  readonly membership: string | null;
  /** What the source's columns meant, as far as it is known; the copy is suspect once they mean something else. */
  readonly catalog?: CatalogMark | null | undefined;
}

/** As the source gives it; compared there. */
export type CatalogMark = Readonly<
  Record<
    string,
    {
      readonly identity: string;
      readonly files: string;
      readonly columns: Readonly<Record<string, { readonly what: string; readonly written: string }>>;
      readonly labels: Readonly<Record<string, string>>;
    }
  >
>;

/** A copy whose table snapshot is complete and that has once been caught up after it; it streams on. */
export interface CompleteCopy {
  readonly step: 'complete';
  readonly startedAtMs: number;
  readonly snapshotId: string;
  readonly feed: FeedMark;
  readonly copiedAtMs: number;
  /** The last one; null before the first. */
  readonly verification: Verification | null;
}

/** How far the copy of a slice's tables has come. */
export type Copy =
  | { readonly step: 'starting'; readonly startedAtMs: number }
  | {
      readonly step: 'copying';
      readonly startedAtMs: number;
      readonly snapshotId: string;
      readonly feed: FeedMark;
    }
  | CompleteCopy;

/** What a slice's phase carries; a canary of a slice with tables whose copy is not complete cannot be written down. */
export type PhaseState =
  /** `attached`: the tables are still in the feed and are to be taken out. */
  | { readonly phase: 'monolith'; readonly feed: 'detached' | 'attached' }
  | { readonly phase: 'syncing'; readonly copy: Copy }
  | {
      readonly phase: 'canary';
      /** Null for a slice without tables. */
      readonly copy: CompleteCopy | null;
      /** Share of cohorts whose reads the service answers, 0 to 1. */
      readonly share: number;
      readonly sinceMs: number;
    };

export interface Pause {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}

/** A slice: its phase and what goes across phases. */
export type SliceState = PhaseState & {
  readonly name: string;
  /** Raised by one with every step; a step is made only on the epoch that it was decided on. */
  readonly epoch: number;
  /** Cohort salt. Never changes, so that cohorts come back after a rollback as they were. */
  readonly salt: string;
  /** True from a rollback to the next step forward. */
  readonly rolledBack: boolean;
  readonly paused: Pause | null;
};

/** A slice as it is before anything was done. Its salt is its name. */
export function initialState(name: string): SliceState {
  return {
    name,
    epoch: 0,
    salt: name,
    rolledBack: false,
    paused: null,
    phase: 'monolith',
    feed: 'detached',
  };
}

/** Share of cohorts whose reads go to the service, 0 to 1. */
export function shareOf(state: SliceState): number {
  return state.phase === 'canary' ? state.share : 0;
}

/** The copy of a slice, in phases that have one. */
export function copyOf(state: SliceState): Copy | null {
  return state.phase === 'monolith' ? null : state.copy;
}

/** The copy, if it is complete. */
export function completeCopyOf(state: SliceState): CompleteCopy | null {
  const copy = copyOf(state);
  return copy?.step === 'complete' ? copy : null;
}

/** `5 %`, `33.3 %`. */
export function formatShare(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}

/** A state in words, for the journal and for answers: `monolith`, `syncing`, `canary 25 %`. */
export function describeState(state: SliceState): string {
  return state.phase === 'canary' ? `canary ${formatShare(state.share)}` : state.phase;
}
