import type { Closable } from '@banyan/kit';
import { trustedAddresses } from './client-address.ts';
import type { DataPlane } from './data-plane.ts';
import { createBreakers, type BreakerOf } from './domain/slice-breaker.ts';
import { Turns } from './domain/turns.ts';
import { HttpDataPlane, type DataPlaneOptions } from './http-data-plane.ts';
import { OpenWebSockets } from './open-web-sockets.ts';
import type { UpstreamTls } from './upstream-tls.ts';
import { createTunnelOpener, type OpenTunnel } from './web-socket-tunnel.ts';

/** What brings requests to upstreams. */
export interface Forward extends Closable {
  readonly dataPlane: DataPlane;
  readonly breakerOf: BreakerOf;
  readonly openTunnel: OpenTunnel;
  readonly openWebSockets: OpenWebSockets;
  readonly turns: Turns;
}

export interface ForwardSettings extends Omit<DataPlaneOptions, 'turns'> {
  readonly tls: UpstreamTls;
  /** Failures in a row after which reads are kept from a service. Default 5. */
  readonly breakerFailures?: number | undefined;
  /** Time until one read tries it again, in milliseconds. Default 2,000. */
  readonly breakerHalfOpenAfterMs?: number | undefined;
  /** Time within which WebSockets end whose side lost their slice, in milliseconds. Default 30,000. */
  readonly webSocketDrainMs?: number | undefined;
  /** Carries the bytes. Default: Node's client. */
  readonly dataPlane?: DataPlane | undefined;
}

export function createForward(settings: ForwardSettings): Forward {
  const { pseudonym, tls, trustedProxies = [], webSocketDrainMs = 30_000 } = settings;
  const nowMs = (): number => performance.now();
  const turns = new Turns({ nowMs });
  const dataPlane = settings.dataPlane ?? new HttpDataPlane({ ...settings, turns });
  return {
    dataPlane,
    turns,
    breakerOf: createBreakers({
      consecutiveFailures: settings.breakerFailures,
      halfOpenAfterMs: settings.breakerHalfOpenAfterMs,
      nowMs,
    }),
    openTunnel: createTunnelOpener({ tls, turns, pseudonym, trusted: trustedAddresses(trustedProxies) }),
    openWebSockets: new OpenWebSockets(webSocketDrainMs),
    close: () => dataPlane.close(),
  };
}
