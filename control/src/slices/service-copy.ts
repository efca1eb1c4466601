import { ServiceCopyError, type ServiceCopy as Copy, type ServiceStore } from '@banyan/cdc/verify';
import { ControlError } from '../control-error.ts';

/** A service as control asks it: its copy, its store, and what it holds back. */
export type ServiceCopy = Copy & ServiceStore;

/** What a service failed of while it was asked, as a failure of ours; null for every other error. */
export function serviceFailure(error: unknown): ControlError | null {
  if (!(error instanceof ServiceCopyError)) return null;
  const message = 'The service could not be asked; nothing is known to have changed.';
  return new ControlError('service-failed', error.code, message, {
    evidence: [error.message],
    nextSteps: ['banyan status', 'banyan doctor'],
    cause: error,
  });
}
