import { verbRequestSchema } from '@banyan/contracts';
import type { z } from 'zod';
import { findingsOf, lookUp } from '../http/parse.ts';
import { InvalidRequestError } from '../http/problem.ts';
import { verbs, type Verb, type VerbOrder } from './verb-order.ts';

/** @throws InvalidRequestError */
export function parseVerb(text: string): Verb {
  const verb = verbs.find((each) => each === text);
  if (verb) return verb;
  throw new InvalidRequestError([`verb: wanted one of ${verbs.join(', ')}; got ${JSON.stringify(text)}`]);
}

/** Checks a verb's body by the contract and by what this verb needs. @throws InvalidRequestError */
export function parseOrder(slice: string, verb: Verb, body: unknown): VerbOrder {
  const result = verbRequestSchema.safeParse(body ?? {});
  const findings = result.success ? [] : findingsOf(result.error.issues, body, 'body');
  const given = (field: string): boolean => lookUp(body, [field]) !== undefined;
  const isRepair = verb === 'verify' && lookUp(body, ['repair']) === true;
  const needsReason = ['pause', 'rollback', 'route', 'resync'].includes(verb) || isRepair;
  if (needsReason && !given('reason')) {
    findings.push(
      `body.reason: ${isRepair ? 'a repair' : verb} wants a reason, for the journal; got nothing`,
    );
  }
  if (verb === 'route' && !given('share')) {
    findings.push('body.share: route wants a share, 0 to 1; got nothing');
  }
  if (verb !== 'route' && verb !== 'advance' && given('share')) {
    findings.push(`body.share: ${verb} takes no share; got ${JSON.stringify(lookUp(body, ['share']))}`);
  }
  for (const field of ['repair', 'wait'])
    if (verb !== 'verify' && given(field)) findings.push(`body.${field}: only verify takes it`);
  if (!result.success || findings.length > 0) {
    const options = `${verb === 'route' ? ' --share 0.05' : ''}${isRepair ? ' --repair' : ''}${needsReason ? ' --reason "..."' : ''}`;
    throw new InvalidRequestError(findings, [`banyan ${verb} ${slice}${options}`]);
  }
  return orderOf(verb, result.data);
}

function orderOf(verb: Verb, request: z.output<typeof verbRequestSchema>): VerbOrder {
  const { by, dryRun, reason, share } = request;
  switch (verb) {
    case 'advance':
      return { verb, by, dryRun, reason, share };
    case 'resume':
      return { verb, by, dryRun, reason };
    case 'verify':
      return { verb, by, dryRun, reason, repair: request.repair ?? false, wait: request.wait ?? true };
    case 'pause':
    case 'rollback':
    case 'resync':
      return { verb, by, dryRun, reason: reason ?? '' };
    case 'route':
      return { verb, by, dryRun, reason: reason ?? '', share: share ?? 0 };
  }
}
