import { busConfigTable, type BusSettings } from '@banyan/cdc/apply';
import { ConfigError, readConfig, type ConfigOf, type ConfigTable } from '@banyan/kit';
import type { SliceDefinition } from '@banyan/contracts';
import { z } from 'zod';
import type { StoreKind } from './store/store.ts';
import { path, port, positiveNumber, publicKey, secret, url } from './fields.ts';

const processTable = {
  host: {
    env: 'HOST',
    schema: z.string().min(1).default('127.0.0.1'),
    text: 'address to listen on; any other than loopback is for a network of your own',
  },
  port: port({ env: 'PORT', text: 'TCP port; 0 takes a free one' }),
  peerToken: secret({ env: 'PEER_TOKEN', text: 'what the control plane proves itself with' }),
  identityPublicKey: publicKey({
    env: 'IDENTITY_PUBLIC_KEY',
    text: 'PEM of the key that identity tokens are checked with',
  }),
} as const satisfies ConfigTable;

const copyTable = {
  ...busConfigTable,
  topicPrefix: {
    env: 'TOPIC_PREFIX',
    schema: z
      .string()
      .regex(/^[A-Za-z0-9_-]+$/, 'give letters, digits, _ and -')
      .default('banyan'),
    text: "first part of the feed's topics",
  },
  refuseReadsAfterMs: positiveNumber({
    env: 'REFUSE_READS_AFTER_MS',
    text: "age of the feed's last heartbeat from which reads are refused, milliseconds; not set: what the slice says",
  }),
} as const satisfies ConfigTable;

/** Every variable that services have in common, beside the store's and LOG_LEVEL. The copy's only where there is one. */
export const serviceConfigTable = { ...processTable, ...copyTable } as const satisfies ConfigTable;

/** Where the copy is kept: the one that the service has migrations for. */
export const storeConfigTable = {
  storeFile: path({ env: 'STORE_FILE', text: "SQLite file of the service's store; made when missing" }),
  storeUrl: {
    ...url({ env: 'STORE_URL', text: "PostgreSQL database of the service's store" }, [
      'postgresql',
      'postgres',
    ]),
    secret: true,
  },
} as const satisfies ConfigTable;

/** Settings of the copy, for a service whose slice has tables. */
export interface CopySettings extends BusSettings {
  readonly topicPrefix: string;
  readonly refuseReadsAfterMs?: number | undefined;
}

/** What every service is told. `storeFile` or `storeUrl`, and the copy's settings, where its slice has tables. */
export interface ServiceSettings extends ConfigOf<typeof processTable>, Partial<CopySettings> {
  readonly storeFile?: string | undefined;
  readonly storeUrl?: string | undefined;
}

/** What of a service says which settings it has. */
export interface ConfiguredService {
  readonly slice: SliceDefinition;
  readonly migrations?: Partial<Record<StoreKind, unknown>>;
  readonly config?: ConfigTable;
}

/** Every variable that this service reads. With both kinds of store, one of the two is to be set. */
export function configTableOf({ slice, migrations = {}, config = {} }: ConfiguredService): ConfigTable {
  if (slice.tables.length === 0) return { ...processTable, ...config };
  const { storeFile, storeUrl } = storeConfigTable;
  const both = migrations.sqlite !== undefined && migrations.postgres !== undefined;
  const store: ConfigTable = both
    ? {
        storeFile: { ...storeFile, schema: storeFile.schema.optional() },
        storeUrl: { ...storeUrl, schema: storeUrl.schema.optional() },
      }
    : migrations.postgres
      ? { storeUrl }
      : { storeFile };
  return { ...processTable, ...store, ...copyTable, ...config };
}

/**
 * Reads a service's settings from the environment.
 *
 * @throws ConfigError that names every wrong one
 */
export function readServiceSettings<Table extends ConfigTable>(
  service: ConfiguredService & { readonly config?: Table },
  env: NodeJS.ProcessEnv = process.env,
): ServiceSettings & ConfigOf<Table> {
  const table = configTableOf(service);
  const problems: string[] = [];
  if ('storeFile' in table && 'storeUrl' in table) {
    const file = Boolean(env['STORE_FILE']);
    const address = Boolean(env['STORE_URL'] || env['STORE_URL_FILE']);
    if (file === address) {
      problems.push(
        `STORE_FILE (${storeConfigTable.storeFile.text}), STORE_URL (${storeConfigTable.storeUrl.text}): ` +
          `give one of them; ${file ? 'both are' : 'neither is'} set`,
      );
    }
  }
  try {
    const settings = readConfig(table, env);
    if (problems.length === 0) return settings as unknown as ServiceSettings & ConfigOf<Table>;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.unshift(...error.problems);
  }
  throw new ConfigError(problems);
}
