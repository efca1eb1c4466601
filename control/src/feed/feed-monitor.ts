import { roomWarning } from '@banyan/cdc/bus';
import type { BusRoom, StatusReport } from '@banyan/contracts';
import { answerWithin, messageOf, withDeadline } from '@banyan/kit';
import type { Clock } from '../clock.ts';
import type { ControlBus, FeedHistory, MonolithDatabase } from './ports.ts';
import type { WalStatus } from './wal-monitor.ts';

type FeedPosition = NonNullable<Awaited<ReturnType<FeedHistory['sourcePosition']>>>;
type SlotStatus = Awaited<ReturnType<MonolithDatabase['slotStatus']>>;

const DEADLINE_MS = 5_000;
/** An answer older than this says nothing of now, milliseconds. */
const FRESH_MS = 10_000;
/** A reader that stored nothing, not even a heartbeat, for this long is silent, milliseconds. */
const SILENT_MS = 5_000;

export interface FeedMonitorDeps {
  readonly database: Pick<MonolithDatabase, 'slotStatus'>;
  readonly bus: Pick<ControlBus, 'usage' | 'groups'>;
  readonly history: FeedHistory;
  /** Name of the reader's slot, and of the feed. */
  readonly slot: string;
  readonly clock: Clock;
  /** False: no database is followed. Default true. */
  readonly hasFeed?: boolean;
}

const NO_FEED = { state: 'none', error: null } as const;

interface Asked {
  readonly slot: { readonly status: SlotStatus } | { readonly error: string };
  readonly position: FeedPosition | null;
  /** Why it could not be asked where the feed stands; null when it could. */
  readonly positionError: string | null;
  readonly room: BusRoom | null;
  readonly atMs: number;
}

/** Asks how the feed is: the slot in the monolith's database, and the reader's mark on the bus. */
export class FeedMonitor {
  readonly #deps: FeedMonitorDeps;
  #asked: Asked | null = null;

  constructor(deps: FeedMonitorDeps) {
    this.#deps = deps;
  }

  /** Does not throw: no answer is evidence too. */
  async poll(signal: AbortSignal): Promise<void> {
    const { database, bus, history, slot, clock, hasFeed = true } = this.#deps;
    if (!hasFeed) return;
    const deadline = withDeadline(signal, DEADLINE_MS);
    const [status, position, room] = await Promise.allSettled([
      database.slotStatus(deadline),
      answerWithin(deadline, history.sourcePosition(slot)),
      answerWithin(deadline, busRoom(bus)),
    ]);
    if (signal.aborted) return;
    this.#asked = {
      slot: status.status === 'fulfilled' ? { status: status.value } : { error: messageOf(status.reason) },
      position: position.status === 'fulfilled' ? position.value : null,
      positionError: position.status === 'fulfilled' ? null : messageOf(position.reason),
      room: room.status === 'fulfilled' ? room.value : null,
      atMs: clock.nowMs(),
    };
  }

  status(): Omit<StatusReport['feed'], keyof WalStatus | 'outbox'> {
    const { clock, slot } = this.#deps;
    const nowMs = clock.nowMs();
    const asked = this.#asked && nowMs - this.#asked.atMs <= FRESH_MS ? this.#asked : null;
    const known = asked && 'status' in asked.slot ? asked.slot.status : null;
    const heardAgeMs =
      asked?.position?.heardAtMs == null ? null : Math.max(0, nowMs - asked.position.heardAtMs);
    return {
      ...(this.#deps.hasFeed === false ? NO_FEED : judge(asked, heardAgeMs)),
      slot,
      slotActive: known?.active ?? null,
      retainedWalBytes: known?.retainedWalBytes ?? null,
      confirmedPosition: known?.confirmedFlushLsn ?? null,
      heardAgeMs,
      incarnation: asked?.position?.incarnation ?? null,
      incarnationReason: asked?.position?.incarnationReason ?? null,
      incarnationAtMs: asked?.position?.incarnationAtMs ?? null,
      bus: asked?.room ?? null,
    };
  }
}

/** Room that the bus takes, and what is wrong with it. */
export async function busRoom(bus: Pick<ControlBus, 'usage' | 'groups'>): Promise<BusRoom> {
  const usage = await bus.usage();
  const { bytes, maxBytes } = usage;
  return { bytes, maxBytes, warning: roomWarning(usage, await bus.groups()) };
}

function judge(
  asked: Asked | null,
  heardAgeMs: number | null,
): Pick<StatusReport['feed'], 'state' | 'error'> {
  if (!asked) return { state: 'unknown', error: 'the database has not been asked yet' };
  if ('error' in asked.slot) {
    return { state: 'unknown', error: `the database could not be asked: ${asked.slot.error}` };
  }
  const { exists, active, walStatus } = asked.slot.status;
  const { position, positionError } = asked;
  const because = positionError === null ? '' : `; the feed's position is unknown: ${positionError}`;
  if (position?.anewReason != null) {
    return { state: 'failed', error: `it is restarting: ${position.anewReason}` };
  }
  if (walStatus === 'lost') {
    return {
      state: 'failed',
      error:
        'the slot has lost WAL that it needs: the feed restarts, and so does every copy, from a new table snapshot',
    };
  }
  if (!exists) {
    return position
      ? {
          state: 'failed',
          error: 'the slot is gone: the feed restarts, and so does every copy, from a new table snapshot',
        }
      : { state: 'silent', error: `the slot does not exist: the reader never ran${because}` };
  }
  if (position?.failure != null) return { state: 'failed', error: position.failure };
  if (!active) return { state: 'silent', error: `no reader is connected to the slot${because}` };
  if (heardAgeMs === null)
    return { state: 'silent', error: 'a reader is connected, but has stored nothing yet' };
  return heardAgeMs <= SILENT_MS
    ? { state: 'running', error: null }
    : { state: 'silent', error: 'a reader is connected, but stores nothing' };
}
