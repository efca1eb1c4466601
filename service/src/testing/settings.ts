import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase } from '@banyan/postgres';
import { configTableOf, type ServiceSettings } from '../config.ts';
import type { Service } from '../define-service.ts';
import { PREFIX } from './feed.ts';

/** What of a service the test support looks at. */
export type ServiceLike = Pick<Service, 'slice' | 'migrations'> & Pick<Service, 'config'>;

/** A service's settings, in a folder and a database of their own. */
export interface TestSettings extends ServiceSettings {
  readonly busFile: string;
  readonly topicPrefix: string;
  /** Of `identityPublicKey`, PKCS #8 PEM. */
  readonly identityPrivateKey: string;
  /** Removes folder and database. */
  remove(): Promise<void>;
}

const keys = generateKeyPairSync('ed25519', {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

/** Settings on the embedded stack. A service that can use either store gets a file. */
export async function makeTestSettings({ slice, migrations = {} }: ServiceLike): Promise<TestSettings> {
  const folder = await mkdtemp(join(tmpdir(), `${slice.name}-`));
  const inPostgres = migrations.postgres !== undefined && migrations.sqlite === undefined;
  const database = inPostgres ? await createTestDatabase(slice.name.replaceAll('-', '_')) : undefined;
  return {
    host: '127.0.0.1',
    port: 0,
    ...(database ? { storeUrl: database.url } : { storeFile: join(folder, 'store.sqlite') }),
    stack: 'embedded',
    kafkaSsl: false,
    busFile: join(folder, 'bus.sqlite'),
    topicPrefix: PREFIX,
    peerToken: 'a-token-for-peers-in-tests',
    identityPublicKey: keys.publicKey,
    identityPrivateKey: keys.privateKey,
    async remove() {
      await rm(folder, { recursive: true, force: true });
      await database?.drop();
    },
  };
}

/** The settings as the variables of a process. */
export function environmentOf(service: ServiceLike, settings: ServiceSettings): NodeJS.ProcessEnv {
  const values = settings as unknown as Readonly<Record<string, string | number | boolean | undefined>>;
  const set = Object.entries(configTableOf(service)).flatMap(([name, { env }]) => {
    const value = values[name];
    return value === undefined || value === false ? [] : [[env, String(value)]];
  });
  return Object.fromEntries(set) as NodeJS.ProcessEnv;
}
