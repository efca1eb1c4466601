import { z } from 'zod';
import { pathReadingSchema } from './path-reading.ts';
import { phases } from './phase.ts';
import { routePatternSchema } from './slice.ts';
import { visitorsSchema } from './visitors.ts';

/** Scheme, host and port of each of a side's servers. */
const upstreamsSchema = z.array(z.url()).min(1);

/** An object that named one address, until there could be several: the same with a list of that one. */
function withUpstreams(candidate: unknown, single: string, list: string): unknown {
  if (typeof candidate !== 'object' || candidate === null) return candidate;
  if (!(single in candidate) || list in candidate) return candidate;
  const { [single]: address, ...rest } = candidate as Readonly<Record<string, unknown>>;
  return { ...rest, [list]: [address] };
}

const withMonolithUpstreams = (snapshot: unknown): unknown =>
  withUpstreams(snapshot, 'monolithUrl', 'monolithUpstreams');
const withServiceUpstreams = (slice: unknown): unknown => withUpstreams(slice, 'serviceUrl', 'upstreams');

const sliceRoutesSchema = z.preprocess(
  withServiceUpstreams,
  z.strictObject({
    name: z.string(),
    phase: z.enum(phases),
    /** Who gets unsafe methods. */
    owner: z.enum(['monolith', 'service']),
    /** Share of cohorts whose safe requests go to the service, 0 to 1. */
    share: z.number().min(0).max(1),
    /** Cohort salt: changing it deals the cohorts anew. */
    salt: z.string().min(1),
    /** True after a rollback: nobody gets the service, whatever header, pin or cookie he brings. */
    rolledBack: z.boolean(),
    /** True when the monolith's data is as fresh as the service's, so that a failed read may be answered there. */
    monolithIsFresh: z.boolean(),
    routes: z.array(routePatternSchema).min(1),
    /** Base URLs of the service; they take turns. */
    upstreams: upstreamsSchema,
    /** Time for the service's response headers before a read falls back, in milliseconds. */
    serviceDeadlineMs: z.number().int().positive(),
  }),
);

/**
 * What a proxy needs to route: complete, immutable, replaced as a whole. Versions only rise; a proxy ignores a
 * version below its own, and of one version all but the last that was issued.
 *
 * Snapshots from before a side could have several servers (`monolithUrl`, `serviceUrl`: one address) are read as well:
 * a proxy may have one in its file, and serves from it when the control plane is down. Those who send write the lists.
 */
export const routesSnapshotSchema = z.preprocess(
  withMonolithUpstreams,
  z.strictObject({
    version: z.number().int().positive(),
    issuedAtMs: z.number().int(),
    /** Base URLs of the monolith; they take turns. */
    monolithUpstreams: upstreamsSchema,
    /** Time for the monolith's response headers, in milliseconds. */
    monolithDeadlineMs: z.number().int().positive(),
    /** How the monolith reads paths. */
    paths: pathReadingSchema,
    /** Who customers and visitors are. */
    visitors: visitorsSchema,
    slices: z.array(sliceRoutesSchema),
  }),
);

export type RoutesSnapshot = Readonly<z.infer<typeof routesSnapshotSchema>>;
export type SliceRoutes = Readonly<z.infer<typeof sliceRoutesSchema>>;
