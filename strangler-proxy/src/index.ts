export { readProxyConfig, proxyConfigTable, type ProxyConfig } from './config.ts';
export { createProxy, type Proxy, type ProxyOptions } from './create-proxy.ts';
export type { DataPlane, ForwardFailure, ForwardOptions, ForwardOutcome } from './forward/data-plane.ts';
export type { SnapshotVerdict } from './routes/routes-holder.ts';
