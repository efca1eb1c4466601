import type { IncomingMessage } from 'node:http';
import type { SliceRoutes } from '@banyan/contracts';
import { NOWHERE, type Place, type RoutingTable } from './domain/routing-table.ts';

/** The routes in use, null with none, and the path as sent. */
export interface Asked {
  readonly table: RoutingTable | null;
  readonly path: string;
}

/** Where a request belongs by method and path. It keeps to the routes that were in use when it came. */
export interface Match {
  /** As sent. */
  readonly method: string;
  /** The same, but for a browser's question before a request of another origin: that request's own. */
  readonly methodAsked: string;
  readonly table: RoutingTable | null;
  readonly place: Place;
  /** The slice, when it is clear which. */
  readonly slice: SliceRoutes | null;
}

/** Finds where a request belongs. A preflight is answered by whoever would get the request itself. */
export function matchRequest(request: IncomingMessage, { table, path }: Asked): Match {
  const { method = 'GET', headers } = request;
  const asked = method === 'OPTIONS' ? headers['access-control-request-method'] : undefined;
  const methodAsked = asked?.trim() ?? method;
  const place = table?.placeOf(methodAsked, path) ?? NOWHERE;
  return { method, methodAsked, table, place, slice: place.kind === 'clear' ? place.slice : null };
}
