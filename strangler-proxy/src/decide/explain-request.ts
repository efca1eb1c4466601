import type { Explanation, SliceRoutes } from '@banyan/contracts';
import { digestOfKey } from '../visitor/visitor-keys.ts';
import { dealCohort } from './domain/cohort.ts';
import { explain } from './domain/decide.ts';
import { parseRequestTarget } from '../routes/domain/request-target.ts';
import type { Place, RoutingTable } from '../routes/domain/routing-table.ts';
import type { BreakerOf } from '../forward/domain/slice-breaker.ts';
import type { Target } from '../routes/domain/sides.ts';

/** A request to be explained. Without `user`, `visitor` and `key` it is a new visitor's. */
export interface ExplainQuestion {
  /** For a browser's question before a request of another origin: that request's own. */
  readonly method: string;
  /** As a client would send it, with or without a query. */
  readonly path: string;
  /** Customer id; beats `visitor`. */
  readonly user: string | null;
  /** A visitor cookie's value; beats `key`. */
  readonly visitor: string | null;
  /** What else tells a client apart, as he sends it: an API key, a token's subject. */
  readonly key: string | null;
  /** True for somebody who wrote just now. */
  readonly pinned: boolean;
  /** The side that an authorised header asks for. */
  readonly override: Target | null;
}

interface State {
  readonly table: RoutingTable | null;
  readonly breakerOf: BreakerOf;
  readonly proxyId: string;
}

const namesOf = (slices: readonly SliceRoutes[]): string => slices.map(({ name }) => name).join(' or ');

/** What is decided by method and path alone. */
function withoutSlice(
  place: Place | null,
  { method, path }: ExplainQuestion,
): Pick<Explanation, 'reason' | 'steps'> {
  const reason = place === null || place.kind === 'clear' ? 'no-slice' : 'unclear-path';
  let outcome = place ? `no slice has a route for ${method} ${path}` : 'no routes snapshot yet';
  if (place?.kind === 'unclear') {
    outcome = `${path} may be read as a route of ${namesOf(place.slices)}, or not: the monolith answers, as it is right either way`;
  } else if (place?.kind === 'refused') {
    outcome = `${path} may be read as a route of ${namesOf(place.slices)}, or not, and the writes of the two have different owners: refused with 400 until "paths" in banyan.config.ts says how the monolith reads it`;
  }
  return { reason, steps: [{ rule: reason, outcome, decided: true }] };
}

/** What becomes of somebody without a key. */
function newVisitorStep(slice: SliceRoutes, table: RoutingTable): Explanation['steps'][number] {
  const { keys, withoutKey } = table.snapshot.visitors;
  const share = `${Number((slice.share * 100).toFixed(2))} % of visitors`;
  const parts = keys.includes('visitor-cookie')
    ? [`a browser gets a cookie with its first page; from then on ${share} go to the service`]
    : [];
  parts.push(
    withoutKey === 'monolith'
      ? 'a client that sends no key at all stays on the monolith'
      : 'a client that sends no key at all is told apart by its address and headers',
  );
  return { rule: 'new visitor', outcome: parts.join('; '), decided: false };
}

/**
 * The decision that a request would meet now, rule by rule.
 *
 * @returns An explanation, or what is wrong with the path.
 */
export function explainRequest(
  question: ExplainQuestion,
  { table, breakerOf, proxyId }: State,
): Explanation | string {
  const { method, path, user, visitor, key, pinned, override } = question;
  const target = parseRequestTarget(path);
  if (!target.ok) return target.problem;
  const place = table?.placeOf(method, target.path) ?? null;
  const about = { method, path, snapshotVersion: table?.snapshot.version ?? 0, proxyId };
  if (!table || place?.kind !== 'clear' || !place.slice) {
    return { ...about, slice: null, target: 'monolith', ...withoutSlice(place, question), cohort: null };
  }
  const { slice } = place;
  const dealtBy = user ?? visitor ?? (key === null ? null : digestOfKey(key));
  const cohort = dealtBy === null ? null : dealCohort(dealtBy, slice);
  const isBreakerBlocking = breakerOf(slice.name).isBlocking;
  const explained = explain(slice, { method, override, isPinned: pinned, cohort, isBreakerBlocking });
  const match = { rule: 'no-slice', outcome: `${path} is a route of slice ${slice.name}`, decided: false };
  const after = explained.reason === 'no-key' ? [newVisitorStep(slice, table)] : [];
  return { ...about, slice: slice.name, ...explained, steps: [match, ...explained.steps, ...after], cohort };
}
