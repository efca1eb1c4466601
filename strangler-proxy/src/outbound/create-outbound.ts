import type { Closable } from '@banyan/kit';
import { Agent, buildConnector, type Dispatcher } from 'undici';
import { createControlClient, type ControlClient } from './control-client.ts';

/** The client for the proxy's own questions, to the control plane and the monolith. */
export interface Outbound extends Closable {
  readonly dispatcher: Dispatcher;
  /** Null without a control plane. */
  readonly control: ControlClient | null;
}

export interface OutboundOptions {
  /** Null for none. */
  readonly controlUrl: string | null;
  readonly peerToken: string;
  /** Default 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Authorities that are trusted, in PEM; undefined for those that Node knows. */
  readonly ca: readonly string[] | undefined;
  /** The name by which a host's certificate goes. */
  readonly serverNameOf: (hostname: string) => string;
}

export function createOutbound(options: OutboundOptions): Outbound {
  const { controlUrl, peerToken, connectTimeoutMs: timeout = 2_000, ca, serverNameOf } = options;
  const connect = buildConnector({ allowH2: false, timeout, ...(ca !== undefined && { ca: [...ca] }) });
  const dispatcher = new Agent({
    allowH2: false,
    connections: 64,
    connect: (target, callback) =>
      connect({ ...target, servername: serverNameOf(target.hostname) }, callback),
  });
  return {
    dispatcher,
    control: controlUrl === null ? null : createControlClient({ controlUrl, peerToken, dispatcher }),
    close: () => dispatcher.destroy(),
  };
}
