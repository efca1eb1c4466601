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
        /** Repairs what differs. */
        readonly repair: boolean;
        /** False: answered once it has begun. */
        readonly wait: boolean;
      }
    | { readonly verb: 'pause' | 'rollback' | 'resync'; readonly reason: string }
    | { readonly verb: 'route'; readonly reason: string; readonly share: number }
  );

export type VerifyOrder = Extract<VerbOrder, { verb: 'verify' }>;
