import type { RoutesSnapshot, SliceRoutes } from '@banyan/contracts';
import { isSafe, servesReads } from './sides.ts';
import { createPathReader } from './path-readings.ts';
import { buildRouteTree, type RouteTree } from './route-tree.ts';
import { createWithhold, type Withhold } from './withheld-headers.ts';

/** Where a request belongs, as far as method and path say. */
export type Place =
  /** Every way of reading the path leads here; null: to no slice. */
  | { readonly kind: 'clear'; readonly slice: SliceRoutes | null }
  /**
   * Some ways of reading it lead to these slices and some do not. `unclear`: the monolith answers, which owns what is
   * written there, or answers reads whoever owns it. `refused`: a write that might reach the wrong owner.
   */
  | { readonly kind: 'unclear' | 'refused'; readonly slices: readonly SliceRoutes[] };

/** Without routes. */
export const NOWHERE: Place = { kind: 'clear', slice: null };

/** A routes snapshot made ready: immutable, swapped as a whole. */
export interface RoutingTable {
  readonly snapshot: RoutesSnapshot;
  /** @param path As sent, without the query. */
  placeOf(method: string, path: string): Place;
  /** Slices whose copy a pin waits for: those whose reads the service may answer while the monolith owns. */
  readonly copiedSlices: readonly string[];
  /**
   * True when a write to the monolith must pin its session. Already so before `canary`, since a write answered just
   * before the phase changes (or at a proxy that has not heard of it yet) would have no pin.
   */
  readonly isPinning: boolean;
  /** True while visitors are dealt to a side, and so want a key. */
  readonly isDealing: boolean;
  /** What of a client's headers a service may have. */
  readonly withhold: Withhold;
}

const isCopying = ({ phase, owner }: SliceRoutes): boolean => phase !== 'monolith' && owner === 'monolith';

const addressesOf = (where: string, upstreams: readonly string[]): [string, string][] =>
  upstreams.map((url, index) => [`${where}.${index}`, url]);

function findProblems(snapshot: RoutesSnapshot): string[] {
  const problems: string[] = [];
  const names = snapshot.slices.map(({ name }) => name);
  for (const name of new Set(names.filter((name, index) => names.indexOf(name) !== index))) {
    problems.push(`slices: two are named "${name}"; give each its own name`);
  }
  const origins: [string, string][] = [
    ...addressesOf('monolithUpstreams', snapshot.monolithUpstreams),
    ...snapshot.slices.flatMap(({ name, upstreams }) => addressesOf(`${name}.upstreams`, upstreams)),
  ];
  for (const [where, url] of origins) {
    const { protocol, pathname, search, username } = new URL(url);
    if (!/^https?:$/.test(protocol) || pathname !== '/' || search !== '' || username !== '') {
      problems.push(`${where}: got ${url}; give scheme, host and port only, such as http://127.0.0.1:3000`);
    }
  }
  return problems;
}

type Matcher = (method: string, segments: readonly string[]) => SliceRoutes | null;

/** How the monolith's case may be read: one way, or both. */
function matchersOf(
  { paths, slices }: RoutesSnapshot,
  asWritten: RouteTree<SliceRoutes>,
): readonly Matcher[] {
  const { letterCase } = paths;
  const folded = buildRouteTree(
    slices.flatMap((slice) =>
      slice.routes.map(({ path, methods }) => ({ path: path.toLowerCase(), methods, value: slice })),
    ),
  ).tree;
  const matchFolded: Matcher = (method, segments) =>
    folded.match(
      method,
      segments.map((segment) => segment.toLowerCase()),
    );
  if (letterCase === 'same') return [matchFolded];
  const matchAsWritten: Matcher = (method, segments) => asWritten.match(method, segments);
  return letterCase === 'different' ? [matchAsWritten] : [matchAsWritten, matchFolded];
}

function createPlaceOf(snapshot: RoutesSnapshot, tree: RouteTree<SliceRoutes>): RoutingTable['placeOf'] {
  const matchers = matchersOf(snapshot, tree);
  const readPath = createPathReader(snapshot.paths);
  return (method, path) => {
    const readings = readPath(path);
    const found = new Set<SliceRoutes | null>(
      readings === 'tooMany'
        ? [null, ...snapshot.slices]
        : readings.flatMap((segments) => matchers.map((match) => match(method, segments))),
    );
    const [slice = null, ...others] = found;
    if (others.length === 0) return { kind: 'clear', slice };
    const slices = [...found].filter((each) => each !== null);
    const isRefused = !isSafe(method) && slices.some(({ owner }) => owner === 'service');
    return { kind: isRefused ? 'refused' : 'unclear', slices };
  };
}

/** Builds the table of a snapshot that its schema has passed, or names everything that is wrong with it. */
export function buildRoutingTable(
  snapshot: RoutesSnapshot,
): { readonly ok: true; readonly table: RoutingTable } | { readonly ok: false; readonly problems: string[] } {
  const problems = findProblems(snapshot);
  const { tree, conflicts } = buildRouteTree(
    snapshot.slices.flatMap((slice) =>
      slice.routes.map(({ path, methods }) => ({ path, methods, value: slice })),
    ),
  );
  for (const { path, between } of conflicts) {
    const [a, b] = between;
    problems.push(`routes: ${path} belongs to both "${a.name}" and "${b.name}"; give it to one of them`);
  }
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    table: {
      snapshot,
      placeOf: createPlaceOf(snapshot, tree),
      copiedSlices: snapshot.slices
        .filter((slice) => servesReads(slice) && slice.owner === 'monolith')
        .map(({ name }) => name),
      isPinning: snapshot.slices.some(isCopying),
      isDealing: snapshot.slices.some((slice) => servesReads(slice) && slice.owner === 'monolith'),
      withhold: createWithhold(snapshot.visitors),
    },
  };
}
