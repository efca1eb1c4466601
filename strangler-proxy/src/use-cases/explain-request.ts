import type { Explanation } from '@banyan/contracts';
import { dealCohort } from '../domain/cohort.ts';
import { explain } from '../domain/decide.ts';
import { parseRequestTarget } from '../domain/request-target.ts';
import type { RoutingTable } from '../domain/routing-table.ts';
import type { BreakerOf } from './ports.ts';

/**
 * The decision that a request would meet now, rule by rule.
 *
 * @param question.path As a client would send it.
 * @param question.user Customer id; beats `visitor`.
 * @returns An explanation, or what is wrong with the path.
 */
export function explainRequest(
  question: {
    readonly method: string;
    readonly path: string;
    readonly user: string | null;
    readonly visitor: string | null;
  },
  state: { readonly table: RoutingTable | null; readonly breakerOf: BreakerOf; readonly proxyId: string },
): Explanation | string {
  const { method, path, user, visitor } = question;
  const { table, breakerOf, proxyId } = state;
  const target = parseRequestTarget(path);
  if (!target.ok) return target.problem;
  const slice = table?.match(method, target.segments) ?? null;
  const about = { method, path, snapshotVersion: table?.snapshot.version ?? 0, proxyId };
  if (!slice) {
    const outcome = table ? `no slice has a route for ${method} ${path}` : 'no routes snapshot yet';
    return {
      ...about,
      slice: null,
      target: 'monolith',
      reason: 'no-slice',
      steps: [{ rule: 'no-slice', outcome, decided: true }],
      cohort: null,
    };
  }
  const key = user ?? visitor;
  const cohort = key === null ? null : dealCohort(key, slice);
  const explained = explain(slice, {
    method,
    override: null,
    isPinned: false,
    cohort,
    isBreakerBlocking: breakerOf(slice.name).isBlocking,
  });
  const match = { rule: 'no-slice', outcome: `${path} is a route of slice ${slice.name}`, decided: false };
  return { ...about, slice: slice.name, ...explained, steps: [match, ...explained.steps], cohort };
}
