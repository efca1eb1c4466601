import { CommandError } from '../output/command-error.ts';

/** What one look at the environment came to. */
export interface Finding {
  readonly check: string;
  readonly verdict: 'ok' | 'warning' | 'problem';
  readonly got: string;
  /** What fixes it; null when nothing has to. */
  readonly remedy: string | null;
}

export const ok = (check: string, got: string): Finding => ({ check, verdict: 'ok', got, remedy: null });

export const problem = (check: string, got: string, remedy: string): Finding => ({
  check,
  verdict: 'problem',
  got,
  remedy,
});

/** @throws CommandError `environment-unfit` with every problem at once, in the words of `doctor`. */
export function refuseProblems(findings: readonly Finding[]): void {
  const problems = findings.filter(({ verdict }) => verdict === 'problem');
  if (problems.length === 0) return;
  throw new CommandError({
    code: 'environment-unfit',
    message: 'Your environment needs fixing before Banyan can start.',
    evidence: problems.map(({ check, got }) => `${check}: ${got}`),
    nextSteps: [...problems.flatMap(({ remedy }) => remedy ?? []), 'banyan doctor'],
    exitCode: 3,
  });
}
