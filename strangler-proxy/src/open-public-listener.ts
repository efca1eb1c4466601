import { listen, type Closable } from '@banyan/kit';
import { trustedAddresses } from './forward/client-address.ts';
import type { Forward } from './forward/create-forward.ts';
import type { PublicHandlerOptions } from './public-handler.ts';
import { createPublicHandler } from './public-handler.ts';
import { RequestServer, type ServingParts } from './serve-request.ts';
import { WebSocketServer } from './serve-web-socket.ts';
import { ClientLimits } from './server/client-limits.ts';

/** The public listener's settings, as in `server/listener-config.ts`; all have defaults. */
export interface ListenerSettings {
  /** Default: a free one. */
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly trustedProxies?: readonly string[] | undefined;
  readonly drainMs?: number | undefined;
  readonly clientHeadersTimeoutMs?: number | undefined;
  readonly clientIdleTimeoutMs?: number | undefined;
  readonly clientKeepAliveMs?: number | undefined;
  readonly maxHeaderBytes?: number | undefined;
  readonly minUploadBytesPerSecond?: number | undefined;
  readonly clientMaxRequests?: number | undefined;
  readonly clientMaxConnections?: number | undefined;
}

export interface PublicListenerOptions
  extends
    ListenerSettings,
    Omit<ServingParts, keyof Forward>,
    Pick<PublicHandlerOptions, 'pseudonym' | 'probe' | 'routes'> {
  readonly forward: Forward;
  readonly limits: ClientLimits;
}

/** @throws Error for an address in `trustedProxies` that is none. */
export function createClientLimits(settings: ListenerSettings & Pick<ServingParts, 'log'>): ClientLimits {
  return new ClientLimits({
    maxRequests: settings.clientMaxRequests ?? 1_000,
    maxConnections: settings.clientMaxConnections ?? 5_000,
    trusted: trustedAddresses(settings.trustedProxies ?? []),
    log: settings.log,
  });
}

/**
 * Opens the listener for customers.
 *
 * @throws Error with code EADDRINUSE when its port is taken.
 */
export async function openPublicListener(
  options: PublicListenerOptions,
): Promise<Closable & { readonly url: string }> {
  const { forward, limits, log, host } = options;
  const parts = { ...options, ...forward };
  const { handle, handleWebSocket } = createPublicHandler({
    ...options,
    requestServer: new RequestServer(parts),
    webSocketServer: new WebSocketServer(parts),
  });
  const listener = await listen(handle, {
    port: options.port ?? 0,
    ...(host !== undefined && { host }),
    graceMs: options.drainMs ?? 8_000,
    headersTimeoutMs: options.clientHeadersTimeoutMs ?? 60_000,
    idleTimeoutMs: options.clientIdleTimeoutMs ?? 120_000,
    keepAliveTimeoutMs: options.clientKeepAliveMs ?? 65_000,
    maxHeaderBytes: options.maxHeaderBytes ?? 32_768,
    minUploadBytesPerSecond: options.minUploadBytesPerSecond ?? 500,
    log,
    onExpectContinue: handle,
    onWebSocket: handleWebSocket,
  });
  limits.attach(listener.server);
  return {
    url: listener.url,
    close() {
      forward.openWebSockets.close(); // they never end by themselves
      return listener.close();
    },
  };
}
