import { CONTROL_SCHEMA_VERSION, type VerificationResponse } from '@banyan/contracts';
import type { AddRoutes } from '../http/add-routes.ts';
import { paramOf } from '../http/request.ts';
import { findSlice, type ManagedSlice } from '../slices/managed-slice.ts';
import { nextStepsAfterVerification } from './verification-report.ts';
import type { VerificationRunner } from './verification-runner.ts';

/** `GET /v1/slices/:name/verification`: the one that runs, else the last one. */
export function verificationRoutes(
  verifications: Pick<VerificationRunner, 'report'>,
  slices: readonly ManagedSlice[],
): AddRoutes {
  return (app, { isAdmin }) => {
    app.get('/v1/slices/:name/verification', isAdmin, (request, response) => {
      const { name } = findSlice(slices, paramOf(request, 'name'));
      const report = verifications.report(name);
      response.json({
        schema_version: CONTROL_SCHEMA_VERSION,
        slice: name,
        report,
        next_steps: nextStepsAfterVerification(name, report),
      } satisfies VerificationResponse);
    });
  };
}
