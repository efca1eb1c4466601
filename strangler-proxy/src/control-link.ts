import type { ProxyReport } from '@banyan/contracts';
import type { Closable, Logger } from '@banyan/kit';
import type { Outbound } from './outbound/create-outbound.ts';
import { startReporting } from './report/reporter.ts';
import { openSnapshotStream } from './routes/snapshot-stream.ts';

/** What keeps a proxy in touch with its control plane: routes snapshots come, reports go. */
export interface ControlLink extends Closable {
  /** True while the stream of snapshots is open. */
  readonly isConnected: boolean;
  /** Begins. The control plane may be down. */
  start(): void;
}

export interface ControlLinkOptions {
  /** Null for none: then it does nothing. */
  readonly controlUrl: string | null;
  readonly peerToken: string;
  readonly proxyId: string;
  readonly outbound: Outbound;
  /** Gets each snapshot's JSON text. */
  readonly onSnapshot: (text: string) => void;
  readonly report: () => ProxyReport;
  readonly log: Logger;
}

export function createControlLink(options: ControlLinkOptions): ControlLink {
  const { controlUrl, peerToken, proxyId, outbound, onSnapshot, report, log } = options;
  const parts: Closable[] = [];
  let isConnected = false;
  return {
    get isConnected() {
      return isConnected;
    },
    start() {
      const { control, dispatcher } = outbound;
      if (controlUrl === null || control === null) return;
      const onConnected = (is: boolean): void => {
        isConnected = is;
      };
      parts.push(
        openSnapshotStream({ controlUrl, peerToken, proxyId, dispatcher, log, onSnapshot, onConnected }),
        startReporting({ send: control.report, report, log }),
      );
    },
    async close() {
      await Promise.all(parts.map((part) => part.close()));
    },
  };
}
