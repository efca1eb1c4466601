import { address, addresses, readConfig, type ConfigOf } from '@banyan/kit';
import { z } from 'zod';
import { listenerConfigTable } from './server/listener-config.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const secret = z.string().min(16, 'at least 16 characters');
const milliseconds = (byDefault: number): z.ZodType<number> =>
  z.coerce.number().int().positive().default(byDefault);

/** `10.0.0.5=shop.internal,...` as a map. */
const namesByHost = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  )
  .pipe(z.array(z.string().regex(/^[^=]+=[^=]+$/, 'host=name, by comma')))
  .transform((entries) => new Map(entries.map((entry) => entry.split('=') as [string, string])));

/** Every setting of the process `strangler-proxy/src/main.ts`. */
export const proxyConfigTable = {
  ...listenerConfigTable,
  port: { env: 'PORT', schema: port.default(8080), text: 'port for customers, 0 for a free one' },
  adminPort: {
    env: 'ADMIN_PORT',
    schema: port.default(0),
    text: 'port of the admin listener, 0 for a free one',
  },
  host: { env: 'HOST', schema: z.string().default('127.0.0.1'), text: 'address to listen on for customers' },
  adminHost: {
    env: 'ADMIN_HOST',
    schema: z.string().min(1).default('127.0.0.1'),
    text: 'address of the admin listener; any other than loopback is for a network of your own',
  },
  adminUrl: {
    env: 'ADMIN_URL',
    schema: address.optional(),
    text: 'base URL under which control reaches the admin listener; not set: where it listens',
  },
  proxyId: {
    env: 'PROXY_ID',
    schema: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, 'letters, digits, dot, dash, at most 64')
      .default('proxy-1'),
    text: 'name of this proxy, its own among all',
  },
  controlUrl: { env: 'CONTROL_URL', schema: address, text: 'base URL of the control plane' },
  monolithUpstreams: {
    env: 'MONOLITH_URL',
    schema: addresses,
    text: 'base URL of the monolith, or of each of its servers by comma, used while there is no routes snapshot at all',
  },
  monolithDeadlineMs: {
    env: 'MONOLITH_DEADLINE_MS',
    schema: milliseconds(30_000),
    text: "time for the monolith's response headers while there is no snapshot, in milliseconds",
  },
  peerToken: { env: 'PEER_TOKEN', schema: secret, text: 'token between the parts', secret: true },
  snapshotFile: {
    env: 'SNAPSHOT_FILE',
    schema: z.string().min(1),
    text: 'file for the last routes snapshot, read when control is down',
  },
  identityPrivateKey: {
    env: 'IDENTITY_PRIVATE_KEY',
    schema: z.string().startsWith('-----BEGIN PRIVATE KEY-----', 'an Ed25519 key, PKCS #8 in PEM'),
    text: 'key that signs identity tokens',
    secret: true,
  },
  pinSecret: {
    env: 'PIN_SECRET',
    schema: secret,
    text: 'signs pins; the same for all proxies',
    secret: true,
  },
  overrideToken: {
    env: 'OVERRIDE_TOKEN',
    schema: secret,
    text: 'lets testers pick a side by header',
    secret: true,
  },
  breakerFailures: {
    env: 'BREAKER_FAILURES',
    schema: z.coerce.number().int().positive().default(5),
    text: 'failures in a row after which reads are kept from a service',
  },
  breakerHalfOpenAfterMs: {
    env: 'BREAKER_HALF_OPEN_AFTER_MS',
    schema: milliseconds(2_000),
    text: 'time until one read tries a failing service again, in milliseconds',
  },
  connectTimeoutMs: {
    env: 'CONNECT_TIMEOUT_MS',
    schema: milliseconds(2_000),
    text: 'time to connect to an upstream, in milliseconds',
  },
  bodyIdleTimeoutMs: {
    env: 'BODY_IDLE_TIMEOUT_MS',
    schema: milliseconds(60_000),
    text: 'longest silence within a response body, in milliseconds',
  },
  giveUpAfterMs: {
    env: 'GIVE_UP_AFTER_MS',
    schema: milliseconds(1_000),
    text: 'wait for response headers after which a client who leaves counts against the upstream, in milliseconds',
  },
  upstreamKeepAliveMs: {
    env: 'UPSTREAM_KEEP_ALIVE_MS',
    schema: z.coerce.number().int().min(0).default(4_000),
    text: 'time that an idle connection is kept where the upstream names none, in milliseconds; 0 for no time',
  },
  upstreamMaxHeaderBytes: {
    env: 'UPSTREAM_MAX_HEADER_BYTES',
    schema: z.coerce.number().int().min(1_024).default(65_536),
    text: "size of a response's headers at most, in bytes",
  },
  upstreamMaxOutstanding: {
    env: 'UPSTREAM_MAX_OUTSTANDING',
    schema: z.coerce.number().int().positive().optional(),
    text: 'requests under way at one upstream at most, further ones get 503; not set: no limit',
  },
  upstreamCaFile: {
    env: 'UPSTREAM_CA_FILE',
    schema: z.string().min(1).optional(),
    text: 'file of certificates in PEM that may vouch for upstreams by https, besides those that Node knows',
  },
  upstreamTlsNames: {
    env: 'UPSTREAM_TLS_NAMES',
    schema: namesByHost,
    text: "names that upstreams' certificates go by, where not by the host of the URL, e.g. 10.0.0.5=monolith.internal, by comma",
  },
  trustedProxies: {
    env: 'TRUSTED_PROXIES',
    schema: z
      .string()
      .default('')
      .transform((text) =>
        text
          .split(',')
          .map((entry) => entry.trim())
          .filter((entry) => entry !== ''),
      ) // prettier-ignore
      .pipe(z.array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))),
    text: 'addresses or subnets in front whose X-Forwarded-* are believed, by comma; none by default',
  },
  accessLog: {
    env: 'ACCESS_LOG',
    schema: z.stringbool().default(false),
    text: 'log a line a request: method, slice, side, reason, status',
  },
} as const;

export type ProxyConfig = ConfigOf<typeof proxyConfigTable>;

/** @throws ConfigError that names every wrong setting. */
export const readProxyConfig = (env?: NodeJS.ProcessEnv): ProxyConfig => readConfig(proxyConfigTable, env);
