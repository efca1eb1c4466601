/** What `pg_current_snapshot()` says: which transactions a statement saw. Ids are 64 bits wide. */
export interface TransactionSnapshot {
  readonly xmin: bigint;
  readonly xmax: bigint;
  /** In progress when it was taken. */
  readonly running: ReadonlySet<bigint>;
}

/** Reads `xmin:xmax:xip,xip`. @throws RangeError on other texts. */
export function parseSnapshot(text: string): TransactionSnapshot {
  const match = /^(\d+):(\d+):([\d,]*)$/.exec(text);
  if (!match) throw new RangeError(`A snapshot looks like 10:20:10,14,15, got ${JSON.stringify(text)}.`);
  const [, xmin = '0', xmax = '0', running = ''] = match;
  return {
    xmin: BigInt(xmin),
    xmax: BigInt(xmax),
    running: new Set(running === '' ? [] : running.split(',').map(BigInt)),
  };
}

/** The 64-bit id of a 32-bit one that lies within 2^31 of the snapshot's end. */
function widen(xid: number, near: bigint): bigint {
  const candidate = (near & ~0xffffffffn) | BigInt(xid);
  if (candidate > near + 0x80000000n) return candidate - 0x100000000n;
  if (candidate < near - 0x80000000n) return candidate + 0x100000000n;
  return candidate;
}

/** True when a statement with this snapshot saw what the transaction committed. */
export function isVisible(xid: number, snapshot: TransactionSnapshot): boolean {
  const wide = widen(xid, snapshot.xmax);
  return wide < snapshot.xmin || (wide < snapshot.xmax && !snapshot.running.has(wide));
}

/**
 * The streamed transactions that a new statement might not see yet. A commit is in the WAL, and so in the stream, a
 * moment before it is visible; synchronous replication makes that moment as long as the standby is slow.
 */
export class StreamedTransactions {
  #xids = new Set<number>();

  /** @param running Transactions in progress at the start: some may have been streamed by the reader before us. */
  constructor(running: Iterable<bigint> = []) {
    for (const xid of running) this.#xids.add(Number(xid & 0xffffffffn));
  }

  add(xid: number): void {
    this.#xids.add(xid);
  }

  /** A copy of them, as of now. */
  list(): readonly number[] {
    return [...this.#xids];
  }

  /**
   * Forgets those that this snapshot sees: every later one sees them too. To be called in the order of the stream, when
   * it passes a mark that was written after the snapshot was taken; else a read that was begun before the snapshot, and
   * whose low watermark is still to come, would no longer be asked whether it saw them.
   */
  forgetVisible(snapshot: TransactionSnapshot): void {
    for (const xid of this.#xids) {
      if (isVisible(xid, snapshot)) this.#xids.delete(xid);
    }
  }
}
