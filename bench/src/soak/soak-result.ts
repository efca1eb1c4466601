import type { SliceStatus } from '@banyan/contracts';
import type { CopyProblems } from './compare-copies.ts';
import type { CustomerFigures, KillFigures } from './figures.ts';
import type { GivenUp } from './given-up.ts';
import type { SoakStack } from './kill-plan.ts';

export type Verification = NonNullable<SliceStatus['verification']>;

/** What a soak came to. */
export interface SoakResult {
  readonly seed: number;
  readonly minutes: number;
  readonly stack: SoakStack;
  /** Two parts were killed within two seconds each time. */
  readonly pairs: boolean;
  readonly kills: readonly KillFigures[];
  readonly writer: {
    readonly transactions: number;
    readonly changes: number;
    readonly rolledBack: number;
    readonly unanswered: number;
  };
  /** Row events that the service applied since its table snapshots. */
  readonly eventsApplied: number;
  /** Commit to apply outside of kills, as a probe saw it; null without a sample. */
  readonly lag: { readonly p50Ms: number; readonly p99Ms: number; readonly samples: number } | null;
  readonly customers: CustomerFigures;
  readonly givenUp: GivenUp;
  readonly verification: Pick<Verification, 'rowsSource' | 'rowsTarget' | 'differences' | 'examples'> | null;
  /** Acknowledged writes against what each side holds. */
  readonly inSource: CopyProblems;
  readonly inService: CopyProblems;
  /** Everything that is not as it must be; empty for a soak that passed. */
  readonly faults: readonly string[];
}

/** What must not be. */
export function faultsOf(figures: Omit<SoakResult, 'faults'>): string[] {
  const { verification, inSource, inService, customers, kills, writer } = figures;
  const wrong = (side: string, { count, missing, extra, different }: CopyProblems): string[] =>
    count === 0
      ? []
      : [
          `${count} rows are wrong in ${side}: missing ${missing.join(', ') || 'none'}; ` +
            `extra ${extra.join(', ') || 'none'}; different ${different.join(', ') || 'none'}`,
        ];
  return [
    ...(verification ? [] : ['no verification came to an end']),
    ...(verification && verification.differences > 0
      ? [
          `the verification found ${verification.differences} differences: ${verification.examples.join('; ')}`,
        ]
      : []),
    ...wrong("the monolith's database", inSource),
    ...wrong("the service's store", inService),
    ...(customers.errorsOutside > 0
      ? [`customers met ${customers.errorsOutside} errors outside of outages`]
      : []),
    ...(customers.staleReads > 0 ? [`customers met ${customers.staleReads} stale reads`] : []),
    ...figures.givenUp.unexcused,
    ...(kills.length === 0 ? ['nothing was killed: the soak was too short'] : []),
    ...(writer.transactions === 0 ? ['nothing was written'] : []),
  ];
}
