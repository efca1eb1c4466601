import type { RoutesSnapshot, SliceRoutes } from '@banyan/contracts';
import { servesReads } from './decide.ts';
import { buildRouteTree } from './route-tree.ts';

/** A routes snapshot made ready: immutable, swapped as a whole. */
export interface RoutingTable {
  readonly snapshot: RoutesSnapshot;
  match(method: string, segments: readonly string[]): SliceRoutes | null;
  /** Slices whose copy a pin waits for: those whose reads the service may answer while the monolith owns. */
  readonly copiedSlices: readonly string[];
  /**
   * True when a write to the monolith must pin its session. Already so before `canary`, since a write answered just
   * before the phase changes (or at a proxy that has not heard of it yet) would have no pin.
   */
  readonly isPinning: boolean;
}

const isCopying = ({ phase, owner }: SliceRoutes): boolean => phase !== 'monolith' && owner === 'monolith';

function findProblems(snapshot: RoutesSnapshot): string[] {
  const problems: string[] = [];
  const names = snapshot.slices.map(({ name }) => name);
  for (const name of new Set(names.filter((name, index) => names.indexOf(name) !== index))) {
    problems.push(`slices: two are named "${name}"; give each its own name`);
  }
  const origins: [string, string][] = [
    ['monolithUrl', snapshot.monolithUrl],
    ...snapshot.slices.map(({ name, serviceUrl }): [string, string] => [`${name}.serviceUrl`, serviceUrl]),
  ];
  for (const [where, url] of origins) {
    const { protocol, pathname, search, username } = new URL(url);
    if (!/^https?:$/.test(protocol) || pathname !== '/' || search !== '' || username !== '') {
      problems.push(`${where}: got ${url}; give scheme, host and port only, such as http://127.0.0.1:3000`);
    }
  }
  return problems;
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
      match: (method, segments) => tree.match(method, segments),
      copiedSlices: snapshot.slices
        .filter((slice) => servesReads(slice) && slice.owner === 'monolith')
        .map(({ name }) => name),
      isPinning: snapshot.slices.some(isCopying),
    },
  };
}
