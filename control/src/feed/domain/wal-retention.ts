/** What is known of the WAL that is kept for one slot. Unknown is null. */
export interface KeptWal {
  readonly retainedWalBytes: number | null;
  /** PostgreSQL's `wal_status`. */
  readonly walStatus: string | null;
  /** What may still be written before the slot is in danger; null without a limit. */
  readonly safeWalBytes: number | null;
}

export interface WalLimits {
  /** `max_slot_wal_keep_size`; null when it is unlimited. */
  readonly maxSlotWalKeepBytes: number | null;
  /** Setting: from so much on it is said, whatever the server allows. */
  readonly warnBytes: number;
}

export interface WalVerdict {
  readonly level: 'ok' | 'warning' | 'danger' | 'lost' | 'unknown';
  readonly text: string;
}

/** Shares of `max_slot_wal_keep_size` from which on it is a warning, and a danger. */
const WARN_SHARE = 0.5;
const DANGER_SHARE = 0.8;
/** Without that limit the disk is the limit: so many times the setting is a danger. */
const DANGER_FACTOR = 4;

const mib = (bytes: number): string => `${Math.round(bytes / 1_048_576).toLocaleString('en-US')} MiB`;

/** Says what kept WAL means, before it hurts: by what the server allows where it limits it, and by the setting. */
export function judgeKeptWal(kept: KeptWal, { maxSlotWalKeepBytes, warnBytes }: WalLimits): WalVerdict {
  const { retainedWalBytes, walStatus, safeWalBytes } = kept;
  if (walStatus === 'lost') return { level: 'lost', text: 'WAL that the slot needs is gone' };
  if (retainedWalBytes === null) return { level: 'unknown', text: 'unknown' };
  const keeps = `${mib(retainedWalBytes)} of WAL kept`;
  if (walStatus === 'unreserved') {
    return { level: 'danger', text: `${keeps}, more than the server allows: it goes at the next checkpoint` };
  }
  if (maxSlotWalKeepBytes === null) {
    const text = `${keeps}; the server sets no limit, and a full disk stops it`;
    if (retainedWalBytes >= warnBytes * DANGER_FACTOR) return { level: 'danger', text };
    if (retainedWalBytes >= warnBytes) return { level: 'warning', text };
    return { level: 'ok', text: keeps };
  }
  const left = safeWalBytes === null ? '' : `, ${mib(safeWalBytes)} more before the slot is at risk`;
  const text = `${keeps} of at most ${mib(maxSlotWalKeepBytes)}${left}`;
  const share = retainedWalBytes / maxSlotWalKeepBytes;
  if (share >= DANGER_SHARE) return { level: 'danger', text };
  if (share >= WARN_SHARE || retainedWalBytes >= warnBytes) return { level: 'warning', text };
  return { level: 'ok', text };
}
