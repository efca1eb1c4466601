import { routesSnapshotSchema, type RoutesSnapshot } from '@banyan/contracts';
import type { Logger } from '@banyan/kit';
import { buildRoutingTable, type RoutingTable } from './domain/routing-table.ts';
import type { SnapshotFile } from './snapshot-file.ts';

/** What became of a snapshot that was handed in. */
export type SnapshotVerdict =
  | { readonly kind: 'applied'; readonly version: number }
  /** Not above the version in use, or it is the one in use. */
  | { readonly kind: 'ignored'; readonly version: number }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] };

/** The one routing table in use. Each request reads `current` once and keeps to it. */
export interface ActiveRoutes {
  /** Null until there is a snapshot: everything goes to the monolith. */
  readonly current: RoutingTable | null;
  /** Snapshots turned down since the start. */
  readonly invalidSnapshots: number;
  /** Checks a snapshot's JSON text and takes it; the old one serves on when anything is wrong with it. */
  applyText(text: string): SnapshotVerdict;
  apply(candidate: unknown): SnapshotVerdict;
  /** Takes the snapshot of the file, if there is a good one. Never throws. */
  loadFile(): Promise<void>;
  /** Waits for the file to be written. Idempotent. */
  close(): Promise<void>;
}

function check(
  candidate: unknown,
): { readonly ok: true; readonly table: RoutingTable } | { readonly ok: false; readonly problems: string[] } {
  const parsed = routesSnapshotSchema.safeParse(candidate);
  if (!parsed.success) {
    return {
      ok: false,
      problems: parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'snapshot'}: ${message}`),
    };
  }
  return buildRoutingTable(parsed.data);
}

/** Versions rise with the slices' steps; a control plane that was started with other settings says the same one anew. */
const isNewer = (one: RoutesSnapshot, other: RoutesSnapshot): boolean =>
  one.version > other.version || (one.version === other.version && one.issuedAtMs > other.issuedAtMs);

/** @param options.onApplied Called after each swap. */
export function createActiveRoutes(options: {
  readonly file: SnapshotFile | null;
  readonly log: Logger;
  readonly onApplied: (table: RoutingTable) => void;
}): ActiveRoutes {
  const { file, log, onApplied } = options;
  let current: RoutingTable | null = null;
  let invalidSnapshots = 0;
  let saving: Promise<void> = Promise.resolve();

  function refuse(problems: readonly string[]): SnapshotVerdict {
    invalidSnapshots += 1;
    log.error({ problems, servingVersion: current?.snapshot.version ?? 0 }, 'routes snapshot refused');
    return { kind: 'invalid', problems };
  }

  function save(snapshot: RoutesSnapshot): void {
    if (!file) return;
    saving = file.save(JSON.stringify(snapshot)).catch((error: unknown) => {
      log.error(
        { err: error },
        'the routes snapshot could not be saved: a restart without control would miss it',
      );
    });
  }

  function take(candidate: unknown, isFromFile: boolean): SnapshotVerdict {
    const checked = check(candidate);
    if (!checked.ok) return refuse(checked.problems);
    const { table } = checked;
    const { version } = table.snapshot;
    if (current && !isNewer(table.snapshot, current.snapshot)) return { kind: 'ignored', version };
    current = table; // the swap: one reference
    onApplied(table);
    log.info({ version, slices: table.snapshot.slices.length, isFromFile }, 'routes snapshot in use');
    if (!isFromFile) save(table.snapshot);
    return { kind: 'applied', version };
  }

  function takeText(text: string, isFromFile: boolean): SnapshotVerdict {
    let candidate: unknown;
    try {
      candidate = JSON.parse(text);
    } catch (error) {
      return refuse([`snapshot: not JSON (${(error as Error).message})`]);
    }
    return take(candidate, isFromFile);
  }

  return {
    get current() {
      return current;
    },
    get invalidSnapshots() {
      return invalidSnapshots;
    },
    applyText: (text) => takeText(text, false),
    apply: (candidate) => take(candidate, false),
    async loadFile() {
      try {
        const text = (await file?.load()) ?? null;
        if (text !== null) takeText(text, true);
      } catch (error) {
        log.error({ err: error }, 'the routes snapshot file cannot be read');
      }
    },
    close: () => saving,
  };
}
