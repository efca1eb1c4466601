import { MissingValues } from '@banyan/cdc/verify';
import { type Logger, withDeadline } from '@banyan/kit';
import type { Clock } from '../clock.ts';
import type { RowReread } from '../feed/ports.ts';
import type { EvidenceCollector } from '../gates/evidence-collector.ts';
import type { ManagedSlice } from '../slices/managed-slice.ts';

/** A re-read waits for the table's open transactions, and for the feed to pass it. */
const DEADLINE_MS = 60_000;

export interface MissingValueReaderDeps {
  readonly rowReread: RowReread;
  readonly evidence: Pick<EvidenceCollector, 'service'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Looks after the rows that are in a slice's quarantine for want of a value. See `MissingValues`. */
export class MissingValueReader {
  readonly #deps: MissingValueReaderDeps;
  readonly #bySlice = new Map<string, MissingValues>();

  constructor(deps: MissingValueReaderDeps) {
    this.#deps = deps;
  }

  /** One look at one slice. @throws what the service, the source or the bus throws; the next look tries again. */
  async look(slice: ManagedSlice, signal: AbortSignal): Promise<void> {
    const { evidence, rowReread, clock, log } = this.#deps;
    const service = evidence.service(slice.name);
    if (!service?.reachable || service.report.tables.every(({ quarantined }) => quarantined === 0)) return;
    let missing = this.#bySlice.get(slice.name);
    if (!missing) {
      missing = new MissingValues({ rowReread, nowMs: () => clock.nowMs() });
      this.#bySlice.set(slice.name, missing);
    }
    const rows = await missing.look(slice.copy, withDeadline(signal, DEADLINE_MS));
    if (rows > 0)
      log.info({ slice: slice.name, rows }, 'rows were read again for values that the log left out');
  }
}
