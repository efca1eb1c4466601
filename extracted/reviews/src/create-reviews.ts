import { watchFile, type FileWatch } from '@banyan/kit/sqlite';
import { createIdentityVerifier, listen, type Closable, type Listening, type Logger } from '@banyan/kit';
import { reviewsSlice } from '../slice.ts';
import { openSqlite, type SqliteFile } from './adapters/open-sqlite.ts';
import { createSqliteReviewStore } from './adapters/sqlite-review-store.ts';
import type { ReviewsConfig } from './config.ts';
import { keepCopy } from './copy.ts';
import { createFindReviews } from './find-reviews.ts';
import { createApp } from './http/app.ts';

/** The service, answering. */
export interface Reviews extends Closable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
}

/**
 * Starts the service: opens and migrates its store, listens, and begins to copy. Reads are refused (503, so that the
 * proxy asks the shop) until the copy runs, and whenever it is too old or has missed records; `/readyz` tells whether it
 * runs.
 *
 * @throws ConfigError when the bus of the stack is not named; the driver's error when the store cannot be opened; an error with code EADDRINUSE when the port is taken.
 * @example
 * const reviews = await createReviews({ ...readConfig(configTable), log: createLogger('reviews') });
 */
export async function createReviews(options: ReviewsConfig & { readonly log: Logger }): Promise<Reviews> {
  const { host, port, storeFile, log } = options;
  const verifier = await createIdentityVerifier(options.identityPublicKey, reviewsSlice.name);
  const file = await openSqlite(storeFile);
  const watch = await watchStore(storeFile, file, log);
  const copy = keepCopy({ ...options, file, storeProblems: () => watch.problems() });
  let server: Listening | undefined;
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= (async () => {
      // Whoever uses something goes before it: requests and the copy use the store.
      await server?.close();
      await copy.close();
      await watch.close();
      await file.close();
    })();
    return closed;
  };
  try {
    const find = createFindReviews(createSqliteReviewStore(file.readers));
    const app = createApp({ find, verifier, copy, log });
    server = await listen(app, { host, port, log });
    log.info({ port: server.port }, 'reviews are served');
    return { url: server.url, port: server.port, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function watchStore(storeFile: string, file: SqliteFile, log: Logger): Promise<FileWatch> {
  try {
    return await watchFile({ file: storeFile, name: `the store of ${reviewsSlice.name}`, logger: log });
  } catch (error) {
    await file.close();
    throw error;
  }
}
