import type { StatusReport } from '@banyan/contracts';
import { asTyped, bytes, duration } from './terminal.ts';

type Feed = StatusReport['feed'];
type Retention = Feed['retention'];

/** What frees the WAL that our own slot keeps. */
export function freeOwnWal(feed: Pick<Feed, 'slotActive' | 'retention'>): string {
  if (feed.retention.level === 'lost') return 'every copy restarts from a new table snapshot: banyan status';
  return feed.slotActive === false
    ? 'start the reader with banyan up or, if no slice needs the feed any more, drop the slot: banyan feed drop --reason "..."'
    : 'the reader is behind, or a transaction is open at the source: banyan doctor';
}

/** What frees the WAL that a slot keeps that nobody reads. */
export function freeOtherWal(name: string): string {
  return `start what reads it or, if nothing does any more, drop the slot: banyan feed drop --slot ${name} --reason "..."`;
}

/** True for what a person should look at. */
export function isAlarming({ level }: Retention): boolean {
  return level === 'warning' || level === 'danger' || level === 'lost';
}

const words = { warning: 'WARNING', danger: 'DANGER', lost: 'LOST', ok: 'ok', unknown: 'unknown' } as const;

/** Lines below the feed's own: positions, and the WAL that slots keep, with the command that frees it. */
export function feedLines(feed: Feed): string[] {
  const lines = [
    `stored up to ${feed.storedPosition ?? 'unknown'} of ${feed.walPosition ?? 'unknown'}, ${bytes(feed.backlogBytes)} of WAL not on the bus`,
  ];
  if (isAlarming(feed.retention)) {
    lines.push(`${words[feed.retention.level]} ${feed.retention.text}`, `try: ${freeOwnWal(feed)}`);
  }
  for (const { name, inactiveMs, retention } of feed.otherSlots) {
    const since = inactiveMs === null ? '' : ` for ${duration(inactiveMs)}`;
    const word = isAlarming(retention) ? `${words[retention.level]} ` : '';
    lines.push(`${word}slot ${name}: nobody has read it${since}, ${retention.text}`);
    if (isAlarming(retention)) lines.push(`try: ${freeOtherWal(name)}`);
  }
  return lines.map((line) => `             ${asTyped(line)}`);
}
