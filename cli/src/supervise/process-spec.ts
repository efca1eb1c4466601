/** How to tell that a process answers. */
export type Readiness =
  /** It sends `{ kind: 'ready' }` over the IPC channel. */
  | { readonly kind: 'ipc' }
  /** This address answers 200. */
  | { readonly kind: 'http'; readonly url: string }
  /** This database answers a query. */
  | { readonly kind: 'postgres'; readonly url: string }
  /** This says so; asked again until it does. Never throws, and has a deadline of its own. */
  | { readonly kind: 'check'; readonly isReady: (signal: AbortSignal) => Promise<boolean> };

/** One process to run and keep running. */
export interface ProcessSpec {
  readonly name: string;
  /** When it is ended: those of lower rounds first, who ask before those who answer. */
  readonly round: 1 | 2 | 3 | 4 | 5 | 6;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly ready: Readiness;
  /** How to tell later on that it still answers (of HTTP whatever the status); null: nobody asks. */
  readonly health: Readiness | null;
  /** Silence after which it is restarted, milliseconds; 0 for never: it is only said. */
  readonly restartAfterMs: number;
  /** Asks it to end in order. PostgreSQL takes SIGINT as a fast shutdown. */
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
  /** Gives the process an IPC channel; it ends by itself when the channel breaks. */
  readonly ipc: boolean;
  /** Where it listens, for `status`. */
  readonly url: string | null;
  /** Gets each line that it prints; otherwise its output goes to its log. */
  readonly onLine?: (line: string) => void;
}
