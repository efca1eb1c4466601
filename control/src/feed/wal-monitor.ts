import type { StatusReport } from '@banyan/contracts';
import { formatLsn, parseLsn } from '@banyan/cdc/capture';
import { answerWithin, withDeadline } from '@banyan/kit';
import { judgeKeptWal, type WalLimits } from './domain/wal-retention.ts';
import type { Clock } from '../clock.ts';
import type { ControlBus, FeedHistory, MonolithDatabase } from './ports.ts';

type WalRetention = Awaited<ReturnType<MonolithDatabase['walRetention']>>;

const DEADLINE_MS = 5_000;
/** An answer older than this says nothing of now, milliseconds. */
const FRESH_MS = 10_000;

export interface WalMonitorDeps {
  readonly database: Pick<MonolithDatabase, 'walRetention'>;
  readonly bus: Pick<ControlBus, 'ends'>;
  readonly history: FeedHistory;
  /** Name of the reader's slot, and of the feed. */
  readonly slot: string;
  /** Topics whose ends are asked for. */
  readonly topics: readonly string[];
  /** From so many kept bytes of WAL on it is said, whatever the server allows. */
  readonly warnBytes: number;
  readonly clock: Clock;
}

/** What this monitor knows of the feed. */
export type WalStatus = Pick<
  StatusReport['feed'],
  | 'walPosition'
  | 'storedPosition'
  | 'backlogBytes'
  | 'retention'
  | 'safeWalBytes'
  | 'maxSlotWalKeepBytes'
  | 'otherSlots'
>;

interface Asked {
  readonly wal: WalRetention | null;
  /** Position on the bus, as an integer. */
  readonly storedLsn: bigint | null;
  readonly ends: ReadonlyMap<string, number>;
  readonly atMs: number;
}

/** Follows positions, from the source's WAL to the ends of the bus, and the WAL that the source has to keep. */
export class WalMonitor {
  readonly #deps: WalMonitorDeps;
  #asked: Asked | null = null;

  constructor(deps: WalMonitorDeps) {
    this.#deps = deps;
  }

  /** Does not throw: what was not answered is unknown. */
  async poll(signal: AbortSignal): Promise<void> {
    const { database, bus, history, slot, topics, clock } = this.#deps;
    const deadline = withDeadline(signal, DEADLINE_MS);
    const [wal, position, ends] = await Promise.allSettled([
      database.walRetention(deadline),
      answerWithin(deadline, history.sourcePosition(slot)),
      answerWithin(deadline, bus.ends(topics)),
    ]);
    if (signal.aborted) return;
    const found = ends.status === 'fulfilled' ? ends.value : [];
    this.#asked = {
      wal: wal.status === 'fulfilled' ? wal.value : null,
      storedLsn: position.status === 'fulfilled' ? (position.value?.lsn ?? null) : null,
      ends: new Map(found.map(({ topic, nextOffset }) => [topic, nextOffset])),
      atMs: clock.nowMs(),
    };
  }

  /** Offset after the last record of a topic; null when unknown. */
  endOffset(topic: string): number | null {
    return this.#fresh()?.ends.get(topic) ?? null;
  }

  status(): WalStatus {
    const { slot, clock } = this.#deps;
    const asked = this.#fresh();
    const wal = asked?.wal ?? null;
    const storedLsn = asked?.storedLsn ?? null;
    const own = wal?.slots.find(({ name }) => name === slot) ?? null;
    const maxSlotWalKeepBytes = wal?.maxSlotWalKeepBytes ?? null;
    const unknown = { retainedWalBytes: null, walStatus: null, safeWalBytes: null };
    return {
      walPosition: wal?.walLsn ?? null,
      storedPosition: storedLsn === null ? null : formatLsn(storedLsn),
      backlogBytes:
        wal === null || storedLsn === null ? null : Math.max(0, Number(parseLsn(wal.walLsn) - storedLsn)),
      retention: judgeKeptWal(own ?? unknown, this.#limits(maxSlotWalKeepBytes)),
      safeWalBytes: own?.safeWalBytes ?? null,
      maxSlotWalKeepBytes,
      otherSlots: wal ? this.#otherSlots(wal, clock.nowMs()) : [],
    };
  }

  /** Slots that nobody reads: what they keep fills the same disk. */
  #otherSlots(wal: WalRetention, nowMs: number): WalStatus['otherSlots'] {
    const limits = this.#limits(wal.maxSlotWalKeepBytes);
    return wal.slots
      .filter((each) => each.name !== this.#deps.slot && !each.active && each.retainedWalBytes !== null)
      .map((each) => ({
        name: each.name,
        database: each.database,
        retainedWalBytes: each.retainedWalBytes,
        inactiveMs: each.inactiveSinceMs === null ? null : Math.max(0, nowMs - each.inactiveSinceMs),
        retention: judgeKeptWal(each, limits),
      }));
  }

  #limits(maxSlotWalKeepBytes: number | null): WalLimits {
    return { maxSlotWalKeepBytes, warnBytes: this.#deps.warnBytes };
  }

  #fresh(): Asked | null {
    const asked = this.#asked;
    return asked && this.#deps.clock.nowMs() - asked.atMs <= FRESH_MS ? asked : null;
  }
}
