import type { BusUsage, GroupStatus } from '../bus.ts';

/** Above this part of `maxBytes` the slowest group is marked lost; the rest is for what is on its way meanwhile. */
export const SHED_RATIO = 0.9;

/** `warning`: table snapshots wait. `shedding`: somebody loses records. `full`: appends are refused. */
export type RoomLevel = 'ok' | 'warning' | 'shedding';

/** How full the bus is. A bus without limits, or one that cannot be asked, is `ok`: nothing can be said against it. */
export function roomLevel({ bytes, maxBytes, warnBytes }: BusUsage): RoomLevel {
  if (bytes === null || maxBytes === null) return 'ok';
  if (bytes > maxBytes * SHED_RATIO) return 'shedding';
  return warnBytes !== null && bytes > warnBytes ? 'warning' : 'ok';
}

/** What is wrong with the bus's room, for people; null when nothing is. */
export function roomWarning(usage: BusUsage, groups: readonly GroupStatus[]): string | null {
  const level = roomLevel(usage);
  if (level === 'ok') return null;
  const share = Math.round(((usage.bytes ?? 0) / (usage.maxBytes ?? 1)) * 100);
  const slowest = slowestGroup(groups);
  const who = slowest
    ? `group ${slowest.name} has not applied ${slowest.lagRecords} records of it`
    : 'no group reads what it holds';
  const then =
    level === 'warning'
      ? 'table snapshots wait until there is room'
      : 'a group that stays behind loses its records and takes a new table snapshot';
  return `the bus is ${share} % full: ${who}; ${then}`;
}

/** Bytes kept for a group: what it is lost on is kept for others, or for nobody. */
export function heldBytes({ topics }: GroupStatus): number {
  return topics.reduce((sum, { lost, lagBytes }) => sum + (lost ? 0 : (lagBytes ?? 0)), 0);
}

/** The group that most is kept for; null when none holds anything back. */
export function slowestGroup(groups: readonly GroupStatus[]): GroupStatus | null {
  const [slowest] = [...groups].sort((a, b) => heldBytes(b) - heldBytes(a));
  return slowest && heldBytes(slowest) > 0 ? slowest : null;
}
