import { createRequire } from 'node:module';
import type { PreparedProcess } from '@banyan/kafka';
import type { PreparedCluster } from '@banyan/postgres';
import { monolithSpec, serviceSpec } from './declared-specs.ts';
import { limitsEnv } from './limits-env.ts';
import { baseEnv, nodeSpec } from './node-spec.ts';
import { addressesOf, addressOf, busEnv, urlsOf, type Plan } from './plan.ts';
import type { ProcessSpec } from './process-spec.ts';

/** Our processes are found by what their packages export, wherever those are installed. */
const { resolve: mainOf } = createRequire(import.meta.url);

/** The embedded PostgreSQL. */
export function postgresSpec(cluster: PreparedCluster): ProcessSpec {
  return {
    name: 'postgres',
    round: 6, // last, so that nobody loses his connection before
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

/** Kafka's broker, or Connect, of the full stack. */
export function javaSpec(prepared: PreparedProcess, round: 4 | 5): ProcessSpec {
  const { name, command, args, cwd, url, isReady } = prepared;
  return {
    name,
    round,
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

/** The feed, as the reader and the control plane are told of it; nothing where no slice copies a table. */
function feedEnv(plan: Plan): Record<string, string> {
  if (plan.databases === null) return {};
  const { outbox } = plan.declaration;
  return {
    ...(outbox === null ? {} : { OUTBOX_TABLE: outbox }),
    ...busEnv(plan),
    SOURCE_URL_FILE: plan.home.secret('source.url'),
    TOPIC_PREFIX: plan.topicPrefix,
    SLOT_NAME: plan.feed,
    PUBLICATION_NAME: plan.feed,
  };
}

function readerSpec(plan: Plan): ProcessSpec | null {
  if (plan.kafka || plan.databases === null) return null;
  return nodeSpec({
    name: 'reader',
    round: 3,
    main: mainOf('@banyan/cdc/reader'),
    env: { ...limitsEnv(plan.declaration.config.limits, 'reader'), ...feedEnv(plan) },
    ready: { kind: 'ipc' },
    health: { kind: 'ipc' },
    restartAfterMs: plan.health.restartAfterMs,
    url: null,
  });
}

function controlSpec(plan: Plan): ProcessSpec {
  const { home, ports, kafka, declaration, health } = plan;
  const { control } = urlsOf(ports);
  const ofSlices = declaration.services.filter(({ slice }) => slice !== null);
  return nodeSpec({
    name: 'control',
    round: 3,
    main: mainOf('@banyan/control/process'),
    env: {
      ...limitsEnv(declaration.config.limits, 'control'),
      ...feedEnv(plan),
      ...(kafka && { CONNECT_URL: kafka.connectUrl, CONNECT_PASSWORD: kafka.connectPassword }),
      PEER_TOKEN_FILE: home.secret('peer.token'),
      PORT: String(ports.control),
      STORE_FILE: home.file('control.sqlite'),
      CONFIG_FILE: declaration.file,
      ADMIN_TOKEN_FILE: home.secret('admin.token'),
      MONOLITH_URL: addressesOf(declaration.monolith, ports).join(','),
      SERVICE_URLS: ofSlices.map((each) => `${each.name}=${addressOf(each, ports)}`).join(','),
    },
    ready: { kind: 'http', url: `${control}/healthz` },
    health: { kind: 'http', url: `${control}/healthz` },
    restartAfterMs: health.restartAfterMs,
    url: control,
  });
}

function proxySpec(plan: Plan): ProcessSpec {
  const { home, ports, declaration, health } = plan;
  const urls = urlsOf(ports);
  const { listen } = declaration.config;
  return nodeSpec({
    name: 'proxy',
    round: 2,
    main: mainOf('@banyan/strangler-proxy/process'),
    env: {
      PEER_TOKEN_FILE: home.secret('peer.token'),
      HOST: listen.host,
      PORT: String(ports.public),
      ...(listen.trustedProxies.length > 0 && { TRUSTED_PROXIES: listen.trustedProxies.join(',') }),
      ADMIN_PORT: String(ports.proxyAdmin),
      READY_PATH: declaration.monolith.ready,
      PROXY_ID: 'proxy-1',
      CONTROL_URL: urls.control,
      MONOLITH_URL: addressesOf(declaration.monolith, ports).join(','),
      MONOLITH_DEADLINE_MS: String(declaration.config.monolithDeadlineMs),
      SNAPSHOT_FILE: home.file('routes-snapshot.json'),
      IDENTITY_PRIVATE_KEY_FILE: home.secret('identity.key.pem'),
      PIN_SECRET_FILE: home.secret('pin.secret'),
      OVERRIDE_TOKEN_FILE: home.secret('override.token'),
    },
    ready: { kind: 'http', url: `${urls.proxyAdmin}/healthz` },
    health: { kind: 'http', url: `${urls.proxyAdmin}/healthz` },
    restartAfterMs: health.restartAfterMs,
    url: urls.public,
  });
}

/** All processes of an installation, those of others left out; databases and brokers run already. */
export function installationSpecs(plan: Plan): readonly ProcessSpec[] {
  const specs = [
    monolithSpec(plan),
    readerSpec(plan),
    ...plan.declaration.services.map((service) => serviceSpec(plan, service)),
    controlSpec(plan),
    proxySpec(plan),
  ];
  return specs.filter((spec) => spec !== null);
}

/** Built-in customers of the sample, who browse, buy and review. Their totals arrive as JSON lines. */
export function customersSpec(
  publicUrl: string,
  customers: number,
  onLine: (line: string) => void,
): ProcessSpec {
  return nodeSpec({
    name: 'customers',
    round: 1,
    main: mainOf('@banyan/regression/customers'),
    args: ['--url', publicUrl, '--customers', String(customers), '--json-lines'],
    env: {},
    ready: { kind: 'ipc' },
    health: null,
    restartAfterMs: 0,
    url: null,
    onLine,
  });
}
