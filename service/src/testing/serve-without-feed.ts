import {
  createIdentitySigner,
  createIdentityVerifier,
  listen,
  silentLogger,
  type ConfigOf,
  type ConfigTable,
} from '@banyan/kit';
import type { Service } from '../define-service.ts';
import { serviceApp } from '../http/service-app.ts';
import { nothingCopied } from '../keep-copy.ts';
import { openStore } from '../store/open-store.ts';
import type { OpenStore } from '../store/store.ts';
import { makeTestSettings, type TestSettings } from './settings.ts';

/** A service that answers from rows which the test writes. */
export interface ServedWithoutFeed {
  readonly url: string;
  readonly settings: TestSettings;
  /** Write with its `writer`, as the copy would. */
  readonly store: OpenStore;
  /** Why readers are refused. Null, to begin with: they are not. */
  unfitness: string | null;
  /** The header of somebody who is signed in. @param audience Default: the slice. */
  tokenFor(id: string, name: string, audience?: string): Promise<string>;
  close(): Promise<void>;
}

/** Serves a service on a store of its own, with no copy. */
export async function serveWithoutFeed<Store, Table extends ConfigTable>(
  service: Service<Store, Table>,
  config: ConfigOf<Table>,
): Promise<ServedWithoutFeed> {
  const { slice, migrations = {}, face } = service;
  const settings = await makeTestSettings(service);
  const store = await openStore({ settings, migrations, slice: slice.name, log: silentLogger });
  const copy = { ...nothingCopied, unfitness: () => served.unfitness };
  const app = serviceApp({
    slice,
    routes: service.routes({ store: service.store?.(store) as Store, config }),
    face,
    verifier: await createIdentityVerifier(settings.identityPublicKey, slice.name),
    copy,
    log: silentLogger,
  });
  const server = await listen(app, { port: 0 });
  const signer = await createIdentitySigner(settings.identityPrivateKey);
  const served: ServedWithoutFeed = {
    url: server.url,
    settings,
    store,
    unfitness: null,
    tokenFor: (id, name, audience = slice.name) => signer.sign({ sub: id, name }, audience),
    async close() {
      await server.close();
      await store.close();
      await settings.remove();
    },
  };
  return served;
}
