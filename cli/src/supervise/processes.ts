import { join } from 'node:path';
import type { PreparedKafka, PreparedProcess } from '@banyan/kafka';
import type { PreparedCluster } from '@banyan/postgres';
import { configFile } from '../checks/check-config.ts';
import { projectRoot, type Home } from '../home.ts';
import type { DatabaseUrls } from './database.ts';
import type { HealthConfig } from './health-config.ts';
import type { Ports } from './ports.ts';
import type { ProcessSpec } from './process-spec.ts';

const TOPIC_PREFIX = 'shop';
/** The database's password for Connect alone, which takes a file as it is: no newline at its end. */
export const CONNECT_PASSWORD_FILE = 'source.password';

const local = (port: number): string => `http://127.0.0.1:${port}`;

/** The addresses of one Banyan. */
export function urlsOf(
  ports: Ports,
): Record<'shop' | 'monolith' | 'control' | 'proxyAdmin' | 'reviews', string> {
  return {
    shop: local(ports.shop),
    monolith: local(ports.monolith),
    control: local(ports.control),
    proxyAdmin: local(ports.proxyAdmin),
    reviews: local(ports.reviews),
  };
}

/** What every process may see of our own environment; settings of others stay with us. */
function baseEnv(): Record<string, string> {
  return inherited(['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ', 'LOG_LEVEL', 'BANYAN_BROWSER']);
}

/** Those of our own variables that are set. */
function inherited(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** A Node process of this checkout. */
function node(
  name: string,
  main: string,
  rest: Pick<ProcessSpec, 'env' | 'ready' | 'health' | 'restartAfterMs' | 'url'> & Partial<ProcessSpec>,
): ProcessSpec {
  return {
    name,
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(projectRoot, main), ...(rest.args ?? [])],
    cwd: projectRoot,
    stopSignal: 'SIGTERM',
    ipc: rest.ipc ?? true,
    ready: rest.ready,
    health: rest.health,
    restartAfterMs: rest.restartAfterMs,
    url: rest.url,
    env: { ...baseEnv(), ...rest.env },
    ...(rest.onLine ? { onLine: rest.onLine } : {}),
  };
}

/** The embedded PostgreSQL. */
export function postgresSpec(cluster: PreparedCluster): ProcessSpec {
  return {
    name: 'postgres',
    command: cluster.command,
    args: cluster.args,
    cwd: cluster.dataDir,
    env: baseEnv(),
    ready: { kind: 'postgres', url: cluster.adminUrl },
    health: { kind: 'postgres', url: cluster.adminUrl },
    restartAfterMs: 0, // a database at work is nobody's to end
    stopSignal: 'SIGINT',
    ipc: false,
    url: `postgres://127.0.0.1:${cluster.port}`,
    ...(cluster.uid === undefined ? {} : { uid: cluster.uid }),
    ...(cluster.gid === undefined ? {} : { gid: cluster.gid }),
  };
}

/** The monolith, which knows nothing of the rest. */
export function monolithSpec(
  home: Home,
  ports: Ports,
  { databases, health }: { readonly databases: DatabaseUrls; readonly health: HealthConfig },
): ProcessSpec {
  const url = urlsOf(ports).monolith;
  return node('monolith', 'monolith/src/main.ts', {
    env: {
      DATABASE_URL: databases.shop,
      PORT: String(ports.monolith),
      SESSION_SECRET_FILE: home.secret('session.secret'),
    },
    ready: { kind: 'http', url: `${url}/healthz` },
    health: { kind: 'http', url: `${url}/healthz` },
    restartAfterMs: health.monolithRestartAfterMs,
    url,
    ipc: false,
  });
}

/** Kafka's broker, or Connect, of the full stack. */
export function javaSpec(prepared: PreparedProcess): ProcessSpec {
  const { name, command, args, cwd, url, isReady } = prepared;
  return {
    name,
    command,
    args,
    cwd,
    url,
    env: baseEnv(),
    ready: { kind: 'check', isReady },
    health: { kind: 'check', isReady },
    restartAfterMs: 0, // they may collect garbage, or each other, for long
    stopSignal: 'SIGTERM',
    ipc: false,
  };
}

/** Where the bus is, for every process that uses it. */
function busEnv(home: Home, kafka: PreparedKafka | null): Record<string, string> {
  return kafka
    ? { STACK: 'kafka', KAFKA_BROKERS: kafka.bootstrapServers }
    : { STACK: 'embedded', BUS_FILE: home.file('bus.sqlite') };
}

export interface BanyanOptions {
  readonly home: Home;
  readonly ports: Ports;
  /** Null for the embedded stack, which has a reader of its own. */
  readonly kafka: PreparedKafka | null;
  /** Where the monolith answers. */
  readonly monolithUrl: string;
  /** Name of the feed's replication slot and of its publication; null where no slice copies a table. */
  readonly feed: string | null;
  readonly health: HealthConfig;
}

/**
 * Banyan's own processes: feed, service, control plane and proxy, in the order in which they stop last to first. With
 * `SERVICE_URLS` set the services are others', and run already.
 */
export function banyanSpecs({
  home,
  ports,
  kafka,
  monolithUrl,
  feed: name,
  health: { restartAfterMs },
}: BanyanOptions): readonly ProcessSpec[] {
  const urls = urlsOf(ports);
  const services = process.env['SERVICE_URLS'] ?? '';
  const bus = busEnv(home, kafka);
  const feed: Record<string, string> =
    name === null
      ? {}
      : {
          ...inherited(['OUTBOX_TABLE']),
          ...bus,
          SOURCE_URL_FILE: home.secret('source.url'),
          TOPIC_PREFIX,
          SLOT_NAME: name,
          PUBLICATION_NAME: name,
        };
  const reader = node('reader', 'cdc/src/capture/reader/main.ts', {
    env: { ...inherited(['BUS_MAX_BYTES', 'BUS_WARN_RATIO', 'BUS_KEEP_APPLIED_MS']), ...feed },
    ready: { kind: 'ipc' },
    health: { kind: 'ipc' },
    restartAfterMs,
    url: null,
  });
  const connect: Record<string, string> = kafka
    ? {
        CONNECT_URL: kafka.connectUrl,
        CONNECT_PASSWORD: `\${dir:${kafka.secretsDir}:${CONNECT_PASSWORD_FILE}}`,
      }
    : {};
  const peer = { PEER_TOKEN_FILE: home.secret('peer.token') };
  return [
    ...(kafka || name === null ? [] : [reader]),
    ...(services ? [] : [reviewsSpec(home, ports, { env: { ...peer, ...bus }, restartAfterMs })]),
    node('control', 'control/src/main.ts', {
      env: {
        ...inherited(['RETAINED_WAL_WARN_BYTES']),
        ...feed,
        ...connect,
        ...peer,
        PORT: String(ports.control),
        STORE_FILE: home.file('control.sqlite'),
        CONFIG_FILE: configFile(),
        ADMIN_TOKEN_FILE: home.secret('admin.token'),
        MONOLITH_URL: monolithUrl,
        SERVICE_URLS: services || `reviews=${urls.reviews}`,
      },
      ready: { kind: 'http', url: `${urls.control}/healthz` },
      health: { kind: 'http', url: `${urls.control}/healthz` },
      restartAfterMs,
      url: urls.control,
    }),
    node('proxy', 'strangler-proxy/src/main.ts', {
      env: {
        ...peer,
        PORT: String(ports.shop),
        ADMIN_PORT: String(ports.proxyAdmin),
        PROXY_ID: 'proxy-1',
        CONTROL_URL: urls.control,
        MONOLITH_URL: monolithUrl,
        SNAPSHOT_FILE: home.file('routes-snapshot.json'),
        IDENTITY_PRIVATE_KEY_FILE: home.secret('identity.key.pem'),
        PIN_SECRET_FILE: home.secret('pin.secret'),
        OVERRIDE_TOKEN_FILE: home.secret('override.token'),
      },
      ready: { kind: 'http', url: `${urls.proxyAdmin}/healthz` },
      health: { kind: 'http', url: `${urls.proxyAdmin}/healthz` },
      restartAfterMs,
      url: urls.shop,
    }),
  ];
}

function reviewsSpec(
  home: Home,
  ports: Ports,
  { env, restartAfterMs }: { readonly env: Record<string, string>; readonly restartAfterMs: number },
): ProcessSpec {
  const { reviews } = urlsOf(ports);
  return node('reviews', 'extracted/reviews/src/main.ts', {
    env: {
      ...inherited(['REFUSE_READS_AFTER_MS']),
      ...env,
      PORT: String(ports.reviews),
      STORE_FILE: home.file('reviews.sqlite'),
      TOPIC_PREFIX,
      IDENTITY_PUBLIC_KEY_FILE: home.secret('identity.pub.pem'),
    },
    ready: { kind: 'http', url: `${reviews}/readyz` },
    health: { kind: 'http', url: `${reviews}/healthz` },
    restartAfterMs,
    url: reviews,
  });
}

/** Built-in customers, who browse, buy and review. Their totals arrive as JSON lines. */
export function customersSpec(
  shopUrl: string,
  customers: number,
  onLine: (line: string) => void,
): ProcessSpec {
  return node('customers', 'regression/src/customers/main.ts', {
    args: ['--url', shopUrl, '--customers', String(customers), '--json-lines'],
    env: {},
    ready: { kind: 'ipc' },
    health: null,
    restartAfterMs: 0,
    url: null,
    onLine,
  });
}
