import type { Declaration, DeclaredProcess, GivenKafka } from '../config/declared.ts';
import type { Home } from '../home.ts';
import type { DatabaseUrls } from './database.ts';
import type { HealthConfig } from './health-config.ts';
import type { Ports } from './ports.ts';

/** Everything that the processes of one installation are made from. */
export interface Plan {
  readonly home: Home;
  readonly ports: Ports;
  readonly declaration: Declaration;
  /** Null where no slice copies a table. */
  readonly databases: DatabaseUrls | null;
  /** Null for the embedded stack, which has a reader of its own. */
  readonly kafka: GivenKafka | null;
  readonly topicPrefix: string;
  /** Name of the feed's replication slot and of its publication. */
  readonly feed: string;
  readonly health: HealthConfig;
}

const local = (port: number): string => `http://127.0.0.1:${port}`;

/** The addresses of one Banyan. */
export function urlsOf(ports: Ports): Record<'public' | 'control' | 'proxyAdmin', string> {
  return {
    public: local(ports.public),
    control: local(ports.control),
    proxyAdmin: local(ports.proxyAdmin),
  };
}

/** Where a declared process answers: all its addresses where others run it. */
export function addressesOf({ name, running }: DeclaredProcess, ports: Ports): readonly string[] {
  if (running.kind === 'urls') return running.urls;
  return [local(name === 'monolith' ? ports.monolith : (ports.services[name] ?? 0))];
}

/** The first of them. */
export const addressOf = (declared: DeclaredProcess, ports: Ports): string =>
  addressesOf(declared, ports)[0] ?? '';

/** The variables by which every process finds the bus. */
export function busEnv({ home, kafka }: Pick<Plan, 'home' | 'kafka'>): Record<string, string> {
  return kafka
    ? { STACK: 'kafka', KAFKA_BROKERS: kafka.bootstrapServers, ...kafka.security }
    : { STACK: 'embedded', BUS_FILE: home.file('bus.sqlite') };
}
