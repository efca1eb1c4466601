import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, type Closable, type Logger } from '@banyan/kit';
import type { GroupStatus } from '../bus.ts';
import { BusCorruptError } from '../bus-errors.ts';
import { heldBytes, roomLevel, roomWarning, type RoomLevel } from './bus-room.ts';
import type { KeptBus } from './kept-bus.ts';
import { isRead, type RetentionOf } from './retention.ts';
import { TopicTrimmer } from './topic-trimmer.ts';

/** Free room is left in the file up to this, or an eighth of the limit: the next records need it again. */
const MOST_SPARE_BYTES = 16 * 1024 * 1024;
const VACUUM_STEP_BYTES = 1024 * 1024;
/** A group that told how far it is within this time is alive. */
const ALIVE_FOR_MS = 10_000;
/** A group that was not heard of for this long keeps no table snapshot of others waiting. */
const SILENT_AFTER_MS = 60_000;
/** A group that was not heard of for so long is let go. */
const FORGET_GROUP_AFTER_MS = 7 * 24 * 3_600_000;

export interface BusKeeperOptions {
  /** Not closed by the keeper. Appends through it are refused beyond `maxBytes`. */
  readonly bus: KeptBus;
  readonly retention: RetentionOf;
  /** Most bytes of the bus. At nine tenths of it the slowest group is marked lost. */
  readonly maxBytes: number;
  /** Above this it warns and lets table snapshots wait. Below `maxBytes`. */
  readonly warnBytes: number;
  /** Time between two rounds, milliseconds. Default 1,000. */
  readonly intervalMs?: number;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: () => number;
  readonly logger: Logger;
}

/** Keeps an embedded bus bounded. */
export interface BusKeeper extends Closable {
  /** Resolves when the bus is below its warning threshold; rejects when the signal aborts. */
  whenRoom(signal: AbortSignal): Promise<void>;
  /** Resolves when keeping has ended: null after `close()`, else the damage that ended it. Never rejects. */
  readonly stopped: Promise<BusCorruptError | null>;
}

/**
 * Starts to keep a bus bounded, round after round: deletes what its retention lets go, warns, and when the bus runs
 * full deletes what nobody reads, then what the slowest group has not applied, and so on to the next slowest. A group
 * that has applied everything loses nothing, nor does the source: when all that does not help, appends are refused.
 *
 * @throws what the bus throws when it cannot be told its limits.
 * @example
 * const keeper = await startBusKeeper({ bus, retention, maxBytes: 2 ** 31, warnBytes: 1.5 * 2 ** 30, logger });
 */
export async function startBusKeeper(options: BusKeeperOptions): Promise<BusKeeper> {
  const { bus, maxBytes, warnBytes } = options;
  await bus.setLimits({ maxBytes, warnBytes });
  return new Keeper(options);
}

class Keeper implements BusKeeper {
  readonly #options: Required<BusKeeperOptions>;
  readonly #closing = new AbortController();
  readonly #trimmer: TopicTrimmer;
  readonly stopped: Promise<BusCorruptError | null>;
  #refusals = 0;
  /** Table snapshots that wait for room. */
  #waiting = 0;
  #said = '';
  #rounds = Promise.withResolvers<undefined>();

  constructor(options: BusKeeperOptions) {
    this.#options = { intervalMs: 1_000, clock: Date.now, ...options };
    this.#trimmer = new TopicTrimmer({ ...this.#options, signal: this.#closing.signal });
    this.stopped = this.#run();
  }

  async whenRoom(signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason as Error);
    aborted.promise.catch(() => undefined); // when nobody waits for it at that moment
    signal.throwIfAborted();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting += 1;
    try {
      while (roomLevel(await this.#options.bus.usage()) !== 'ok') {
        await Promise.race([this.#rounds.promise, aborted.promise]);
      }
    } finally {
      this.#waiting -= 1;
      signal.removeEventListener('abort', onAbort);
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.stopped;
  }

  async #run(): Promise<BusCorruptError | null> {
    const { intervalMs } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#round();
      } catch (cause) {
        if (cause instanceof BusCorruptError) return cause; // trying again cannot mend it
        const error = messageOf(cause);
        this.#say(`failed ${error}`, () =>
          this.#options.logger.error({ error }, 'the bus could not be kept; trying again'),
        );
      }
      this.#rounds.resolve(undefined);
      this.#rounds = Promise.withResolvers<undefined>();
      await sleep(intervalMs, undefined, { signal }).catch(() => undefined); // closing: the loop ends
    }
    return null;
  }

  async #round(): Promise<void> {
    const { bus } = this.#options;
    // 1. What nobody needs.
    const groups = await this.#forgetOldGroups(await bus.groups());
    for (const topic of await bus.topics()) await this.#trimmer.trim(topic, groups);
    // 2. What somebody needs, if it must be.
    const wasRefused = bus.refusals > this.#refusals; // since the last round
    this.#refusals = bus.refusals;
    if (wasRefused || roomLevel(await bus.usage()) === 'shedding') await this.#makeRoom(wasRefused);
    // A table snapshot would wait for ever for a service that is switched off; that one is copied anew in its turn.
    if (this.#waiting > 0 && roomLevel(await bus.usage()) === 'warning') {
      await this.#loseSlowest(({ lastSeenAtMs }) => this.#options.clock() - lastSeenAtMs > SILENT_AFTER_MS);
    }
    // 3. The file shrinks only when there is much to give back.
    const spareBytes = Math.min(MOST_SPARE_BYTES, this.#options.maxBytes / 8);
    while (!this.#closing.signal.aborted && (await bus.giveBack(0)) > spareBytes) {
      await bus.giveBack(VACUUM_STEP_BYTES);
    }
    await this.#judge();
  }

  async #forgetOldGroups(groups: readonly GroupStatus[]): Promise<readonly GroupStatus[]> {
    const { bus, clock, logger } = this.#options;
    const isOld = ({ lastSeenAtMs }: GroupStatus): boolean => clock() - lastSeenAtMs > FORGET_GROUP_AFTER_MS;
    for (const { name } of groups.filter(isOld)) {
      logger.warn({ group: name }, 'a group was not heard of for a week; nothing is kept for it any longer');
      await bus.release(name);
    }
    return groups.filter((group) => !isOld(group));
  }

  /** @param wasRefused An append found no room: what it needs is unknown, so one is let go in any case. */
  async #makeRoom(wasRefused: boolean): Promise<void> {
    const { bus, retention, logger } = this.#options;
    let deleted = 0;
    for (const { topic, nextOffset } of await bus.topics()) {
      if (retention(topic).kind !== 'until-applied' || isRead(topic, await bus.groups())) continue;
      deleted += await this.#trimmer.delete({ topic, before: nextOffset, unreadToo: true });
    }
    while ((wasRefused && deleted === 0) || roomLevel(await bus.usage()) === 'shedding') {
      const gone = await this.#loseSlowest();
      if (gone === 0) break;
      deleted += gone;
    }
    if (deleted === 0 && wasRefused) {
      this.#say('full', () =>
        logger.error('the bus has no room for what comes and nothing to let go; the feed waits'),
      );
    }
  }

  /** The slowest one whose loss frees anything. @param isMeant Which ones may be. @returns records deleted. */
  async #loseSlowest(isMeant: (group: GroupStatus) => boolean = () => true): Promise<number> {
    const { bus, logger } = this.#options;
    const groups = await bus.groups();
    const slowestFirst = [...groups].sort((a, b) => heldBytes(b) - heldBytes(a));
    for (const group of slowestFirst.filter((each) => !this.#isKeepingUp(each) && isMeant(each))) {
      const deleted = await this.#lose(group, groups);
      if (deleted === 0) continue;
      const { name, lagRecords, lagBytes } = group;
      logger.error({ group: name, lagRecords, lagBytes }, 'the bus runs full: the slowest group is lost');
      return deleted;
    }
    return 0;
  }

  /** What such a group has not applied is on its way to it, and is not what fills the bus. */
  #isKeepingUp(group: GroupStatus): boolean {
    const { clock, maxBytes } = this.#options;
    const held = heldBytes(group);
    return held === 0 || (held < maxBytes / 10 && clock() - group.lastSeenAtMs < ALIVE_FOR_MS);
  }

  /** Deletes what this group has not applied and no faster one still needs. */
  async #lose(group: GroupStatus, groups: readonly GroupStatus[]): Promise<number> {
    const { bus } = this.#options;
    const ends = await bus.ends(group.topics.map(({ topic }) => topic));
    let deleted = 0;
    for (const { topic, nextOffset: end } of ends) {
      const wanted = groups
        .filter(({ name }) => name !== group.name)
        .flatMap(({ topics }) => topics.filter((place) => place.topic === topic && !place.lost))
        .map(({ nextOffset }) => nextOffset);
      deleted += await this.#trimmer.delete({ topic, before: Math.min(end, ...wanted), unreadToo: true });
    }
    return deleted;
  }

  async #judge(): Promise<void> {
    const { bus, logger } = this.#options;
    const usage = await bus.usage();
    const groups = await bus.groups();
    const level: RoomLevel = roomLevel(usage);
    if (level === 'ok') {
      if (this.#said === 'full' && bus.refusals > 0) return;
      if (this.#said !== '') logger.info({ bytes: usage.bytes }, 'the bus has room again');
      this.#said = '';
      return;
    }
    const { bytes, maxBytes, warnBytes } = usage;
    this.#say(level, () =>
      logger.warn({ bytes, maxBytes, warnBytes }, roomWarning(usage, groups) ?? 'the bus runs full'),
    );
  }

  /** Once, until something else is to be said. */
  #say(what: string, log: () => void): void {
    if (this.#said !== what) log();
    this.#said = what;
  }
}
