import type { ApplyStore } from '@banyan/cdc/apply';
import type { Knex } from 'knex';

export type StoreKind = 'sqlite' | 'postgres';

/** A store's connections, for whoever answers from it. */
export interface StoreConnections {
  readonly kind: StoreKind;
  /** Refuse to write, and wait for no writer. */
  readonly readers: Knex;
  /** Reads of one moment: all that `work` asks sees the same state, whatever is applied meanwhile. */
  readonly read: <T>(work: (transaction: Knex.Transaction) => Promise<T>) => Promise<T>;
}

/** A service's store, open and with its schema up to date. */
export interface OpenStore extends StoreConnections {
  /** Where the copy is written. */
  readonly writer: Knex;
  readonly apply: ApplyStore;
  /** What a person should see first, such as a file that is gone; empty while all is well. */
  problems(): readonly string[];
  /** Idempotent. */
  close(): Promise<void>;
}
