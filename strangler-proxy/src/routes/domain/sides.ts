import type { SliceRoutes } from '@banyan/contracts';

/** Who may answer a request. */
export type Target = 'monolith' | 'service';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** Safe as RFC 9110 9.2.1 has it: the client asks for nothing to be changed. */
export const isSafe = (method: string): boolean => SAFE_METHODS.has(method);

/** True in the phases in which the service may answer reads. */
export const servesReads = ({ phase, rolledBack }: SliceRoutes): boolean =>
  !rolledBack && (phase === 'canary' || phase === 'extracted');
