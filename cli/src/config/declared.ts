import type { ResolvedBanyanConfig, SliceDefinition } from '@banyan/contracts';

/** A Kafka that others run, as processes are told of it. */
export interface GivenKafka {
  /** `host:port,host:port` */
  readonly bootstrapServers: string;
  readonly connectUrl: string;
  /** The source's password as a reference that Connect's workers resolve. */
  readonly connectPassword: string;
  /** TLS and SASL, as variables of the processes. Holds a password. */
  readonly security: Readonly<Record<string, string>>;
}

/** How a process comes to run. Texts may hold placeholders; references to the environment are resolved. */
export type Running =
  /** A service built with our kit, which gets its environment from us. */
  | { readonly kind: 'main'; readonly main: string; readonly env: Readonly<Record<string, string>> }
  | {
      readonly kind: 'command';
      readonly command: readonly string[];
      readonly env: Readonly<Record<string, string>>;
    }
  /** Others run it. */
  | { readonly kind: 'urls'; readonly urls: readonly string[] };

export interface DeclaredProcess {
  readonly name: string;
  /** Folder that its paths are read from. */
  readonly dir: string;
  readonly running: Running;
  /** Path that answers 200 once it serves. */
  readonly ready: string;
}

export interface DeclaredService extends DeclaredProcess {
  /** The slice that it takes; null for a process beside them. */
  readonly slice: SliceDefinition | null;
}

/** `made`: Banyan starts a server and makes it. Null: no slice needs one. */
export type DeclaredDatabase =
  { readonly kind: 'made' } | { readonly kind: 'given'; readonly url: string } | null;

/** What one installation declares, with everything that the environment adds. */
export interface Declaration {
  readonly file: string;
  readonly config: ResolvedBanyanConfig;
  readonly monolith: DeclaredProcess;
  readonly database: DeclaredDatabase;
  readonly topicPrefix: string | null;
  readonly outbox: string | null;
  readonly services: readonly DeclaredService[];
  /** A Kafka that others run; null for one of our own, or none. */
  readonly kafka: GivenKafka | null;
  /** Old words and variables that it is told in, a line each. */
  readonly notices: readonly string[];
}
