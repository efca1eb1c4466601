import type { RefusalCode } from '../domain/transitions.ts';

/** The verbs that people give; `verify` changes no phase. */
export const verbs = ['advance', 'pause', 'resume', 'rollback', 'route', 'verify', 'resync'] as const;
export type Verb = (typeof verbs)[number];

interface Order {
  /** Who asks, for the journal. */
  readonly by: string;
  readonly dryRun: boolean;
}

/** A verb as it was asked for; what it cannot do without is there. Shares are 0 to 1. */
export type VerbOrder = Order &
  (
    | { readonly verb: 'advance'; readonly reason?: string | undefined; readonly share?: number | undefined }
    | { readonly verb: 'resume'; readonly reason?: string | undefined }
    | {
        readonly verb: 'verify';
        readonly reason?: string | undefined;
        /** Mends what differs. */
        readonly repair: boolean;
        /** False: answered once it has begun. */
        readonly wait: boolean;
      }
    | { readonly verb: 'pause' | 'rollback' | 'resync'; readonly reason: string }
    | { readonly verb: 'route'; readonly reason: string; readonly share: number }
  );

/** A verb that was refused: every reason at once, and commands to try. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly code: RefusalCode | 'epoch-conflict' | 'outbox-in-feed' | 'no-outbox';
  readonly reasons: readonly string[];
  readonly nextSteps: readonly string[];

  constructor(
    message: string,
    refusal: {
      readonly code: RefusedError['code'];
      readonly reasons: readonly string[];
      readonly nextSteps: readonly string[];
    },
  ) {
    super(message);
    this.code = refusal.code;
    this.reasons = refusal.reasons;
    this.nextSteps = refusal.nextSteps;
  }
}
