export { readProxyConfig, proxyConfigTable, type ProxyConfig } from './config.ts';
export { createProxy, type Proxy, type ProxyOptions } from './create-proxy.ts';
export type { DataPlane, ForwardOptions, NoAnswer, UpstreamAnswer } from './forward/data-plane.ts';
export type { ForwardFailure } from './forward/domain/forward-outcome.ts';
export type { SnapshotVerdict } from './routes/active-routes.ts';
