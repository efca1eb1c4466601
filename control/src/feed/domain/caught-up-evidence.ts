/** How the rounds of catching up went. */
export interface CaughtUpEvidence {
  /** When the last one that succeeded was started; null with none. */
  readonly startedAtMs: number | null;
  /** Why the last one failed; null when the last one succeeded, or with none. */
  readonly error: string | null;
}
