import {
  createIdentityVerifier,
  listen,
  OpenParts,
  type Closable,
  type ConfigOf,
  type ConfigTable,
  type Logger,
} from '@banyan/kit';
import type { CopySettings, ServiceSettings } from './config.ts';
import { ServiceDefinitionError, type Service } from './define-service.ts';
import { checkRoutes } from './http/check-routes.ts';
import { readOperations } from './http/openapi.ts';
import type { Route } from './http/route.ts';
import { serviceApp } from './http/service-app.ts';
import { keepCopy, nothingCopied, type Copy } from './keep-copy.ts';
import { openStore } from './store/open-store.ts';
import type { OpenStore } from './store/store.ts';

/** The service, answering. */
export interface RunningService extends Closable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
}

export interface StartOptions<Table extends ConfigTable> {
  readonly settings: ServiceSettings & ConfigOf<Table>;
  readonly log: Logger;
}

interface Copying {
  readonly store: OpenStore;
  readonly copy: Copy;
}

/** @param settings of a service whose slice has tables: `configTableOf` asked for the copy's */
async function startCopying<Store, Table extends ConfigTable>(
  { slice, migrations = {} }: Service<Store, Table>,
  { settings, log }: StartOptions<Table>,
): Promise<Copying> {
  const store = await openStore({ settings, migrations, slice: slice.name, log });
  const copy = keepCopy({ ...(settings as ServiceSettings & CopySettings), slice, store, log });
  return { store, copy };
}

async function routesOf<Store, Table extends ConfigTable>(
  service: Service<Store, Table>,
  store: OpenStore | undefined,
  config: ConfigOf<Table>,
): Promise<readonly Route[]> {
  const { slice, face } = service;
  // Without tables there is no `store` either, and Store is undefined.
  const made = (store && service.store?.(store)) as Store;
  const routes = service.routes({ store: made, config });
  const operations = await readOperations(service.openapi);
  const problems = checkRoutes({ slice, routes, operations, hasPages: face?.pages !== undefined });
  if (problems.length > 0) throw new ServiceDefinitionError(slice.name, problems);
  return routes;
}

/**
 * Starts a service in this process: opens and migrates its store, listens, and begins to copy. Reads are refused (503, so
 * that the proxy asks the monolith) until the copy runs, and whenever it is too old or has missed records; `/readyz` tells
 * whether it runs. Several services may run in one process.
 *
 * @throws ServiceDefinitionError when routes, slice and contract do not fit; StoreUnopenableError; an error with code EADDRINUSE when the port is taken.
 */
export async function startService<Store, Table extends ConfigTable>(
  service: Service<Store, Table>,
  options: StartOptions<Table>,
): Promise<RunningService> {
  const { slice, face } = service;
  const { settings, log } = options;
  const { host, port } = settings;
  const verifier = await createIdentityVerifier(settings.identityPublicKey, slice.name);
  const copying = slice.tables.length > 0 ? await startCopying(service, options) : undefined;
  // Whoever uses something is closed before it: requests and the copy use the store.
  const parts = new OpenParts();
  if (copying) parts.add(copying.store);
  const copy = parts.add(copying?.copy ?? nothingCopied);
  try {
    const routes = await routesOf(service, copying?.store, settings);
    const app = serviceApp({ slice, routes, face, verifier, copy, log });
    const { url, port: boundPort } = parts.add(await listen(app, { host, port, log }));
    log.info({ slice: slice.name, port: boundPort }, 'the service answers');
    return { url, port: boundPort, close: () => parts.close() };
  } catch (error) {
    await parts.close();
    throw error;
  }
}
