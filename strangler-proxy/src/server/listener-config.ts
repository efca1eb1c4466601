import { z } from 'zod';

const milliseconds = (byDefault: number): z.ZodType<number> =>
  z.coerce.number().int().positive().default(byDefault);
const count = (byDefault: number): z.ZodType<number> =>
  z.coerce.number().int().nonnegative().default(byDefault);

/** Settings of the listeners: what a client may ask of the proxy, for how long, and how it ends. */
export const listenerConfigTable = {
  drainMs: {
    env: 'DRAIN_MS',
    schema: milliseconds(8_000),
    text: 'time for requests in flight when the proxy is told to stop, in milliseconds',
  },
  webSocketDrainMs: {
    env: 'WEBSOCKET_DRAIN_MS',
    schema: milliseconds(30_000),
    text: 'time within which WebSockets are ended once their side no longer has the slice, in milliseconds',
  },
  clientHeadersTimeoutMs: {
    env: 'CLIENT_HEADERS_TIMEOUT_MS',
    schema: milliseconds(60_000),
    text: "time for the head of a client's request, in milliseconds",
  },
  clientIdleTimeoutMs: {
    env: 'CLIENT_IDLE_TIMEOUT_MS',
    schema: milliseconds(120_000),
    text: 'longest silence between two reads or writes on a client, in milliseconds; a request may last any time',
  },
  clientKeepAliveMs: {
    env: 'CLIENT_KEEP_ALIVE_MS',
    // Longer than a balancer in front keeps a connection, so that it is not the proxy that ends it in mid-use.
    schema: milliseconds(65_000),
    text: "how long a client's connection is kept for a next request, in milliseconds",
  },
  maxHeaderBytes: {
    env: 'MAX_HEADER_BYTES',
    schema: z.coerce.number().int().min(1_024).default(32_768),
    text: 'most bytes of the head of a request',
  },
  minUploadBytesPerSecond: {
    env: 'MIN_UPLOAD_BYTES_PER_SECOND',
    schema: count(500),
    text: 'slowest pace of a request body over 20 s while the client is waited for, 0 for any',
  },
  clientMaxRequests: {
    env: 'CLIENT_MAX_REQUESTS',
    schema: count(1_000),
    text: 'requests and WebSockets under way of one client address (IPv6: of its /64), 0 for any number',
  },
  clientMaxConnections: {
    env: 'CLIENT_MAX_CONNECTIONS',
    schema: count(5_000),
    text: 'connections of one client address (IPv6: of its /64), 0 for any number; those of TRUSTED_PROXIES are not counted',
  },
  readyPath: {
    env: 'READY_PATH',
    schema: z.string().startsWith('/').default('/healthz'),
    text: 'path that /readyz asks the monolith for; any answer will do',
  },
  readyDeadlineMs: {
    env: 'READY_DEADLINE_MS',
    schema: milliseconds(2_000),
    text: 'time in which /readyz wants that answer, in milliseconds',
  },
} as const;
