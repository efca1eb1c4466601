import { z } from 'zod';

/** A value of one field in an envelope or a mapped row. int8 beyond 2^53 is a bigint, numeric is a string. */
export type FieldValue = null | boolean | number | bigint | string | readonly FieldValue[];

/** One row as column name to value. */
export type Row = Readonly<Record<string, FieldValue>>;

/**
 * A pure change of one value on its way from the monolith's column to the service's.
 * `inverse(forward(v))` must equal `v` for every value that the column can hold.
 */
export interface FieldTransform {
  readonly name: string;
  forward(value: FieldValue): FieldValue;
  inverse(value: FieldValue): FieldValue;
}

/** Where a source column goes: a new name, or a new name and a transform. Columns not named are dropped. */
export type ColumnTarget = string | { readonly to: string; readonly transform: FieldTransform };

/** How one table of the monolith becomes one table of the service. */
export interface TableMapping {
  /** Schema and table in the monolith's database, e.g. `public.reviews`. */
  readonly source: string;
  /** Table in the service's store, e.g. `review`. */
  readonly target: string;
  /** `owned`: ownership moves with the slice. `reference`: a copy of somebody else's data, never written back. */
  readonly kind: 'owned' | 'reference';
  /** The source's primary key columns, in key order. */
  readonly key: readonly string[];
  /** Source column to target column. Must hold every key column. */
  readonly columns: Readonly<Record<string, ColumnTarget>>;
  /** Source columns whose values are about a person: they are masked wherever rows are shown. Default: none. */
  readonly personal?: readonly string[];
}

/** A path whose requests the slice serves. Segments are literal, `:name` for one segment, or a last `*`. */
export interface RoutePattern {
  /** Starts with `/`. Matches whole segments: `/cart` does not match `/cartoons`. */
  readonly path: string;
  /** Upper-case methods. Default: all. */
  readonly methods?: readonly string[];
}

/** Limits that the gates hold evidence against. */
export interface GateLimits {
  /** Commit to apply, 99th percentile of the last minute, in milliseconds. Default 2,000. */
  readonly maxLagMs: number;
  /** Age of the last heartbeat that came all the way to the service, in milliseconds. Default 5,000. */
  readonly maxHeartbeatAgeMs: number;
  /** Age of the last verification without a difference, in milliseconds. Default 10 minutes. */
  readonly maxVerificationAgeMs: number;
}

export const defaultGateLimits: GateLimits = {
  maxLagMs: 2_000,
  maxHeartbeatAgeMs: 5_000,
  maxVerificationAgeMs: 600_000,
};

/** What moves together: routes, tables and the service that takes them. */
export interface SliceDefinition {
  /** Lower-case words joined by `-`; names the slice in commands, metrics and the journal. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  readonly routes: readonly RoutePattern[];
  readonly tables: readonly TableMapping[];
  /** Shares that `advance` goes through in canary, rising, last 1. Default 0.05, 0.25, 0.5, 1. */
  readonly canaryShares?: readonly number[];
  readonly gates?: Partial<GateLimits>;
}

const columnTarget = z.union([
  z.string().min(1),
  z.object({
    to: z.string().min(1),
    transform: z.custom<FieldTransform>(
      (value) =>
        typeof value === 'object' &&
        value !== null &&
        typeof (value as Partial<FieldTransform>).forward === 'function' &&
        typeof (value as Partial<FieldTransform>).inverse === 'function',
      'a transform has a name, forward() and inverse()',
    ),
  }),
]);

const tableMapping = z
  .strictObject({
    source: z.string().regex(/^[^.]+\.[^.]+$/, 'schema.table, e.g. public.reviews'),
    target: z.string().min(1),
    kind: z.enum(['owned', 'reference']),
    key: z.array(z.string()).min(1, 'a table without a primary key cannot be copied'),
    columns: z.record(z.string(), columnTarget),
    personal: z.array(z.string().min(1)).optional(),
  })
  .superRefine((table, context) => {
    for (const column of table.key) {
      if (!(column in table.columns)) {
        context.addIssue({
          code: 'custom',
          path: ['columns'],
          message: `key column "${column}" is not mapped`,
        });
      }
    }
    const targets = Object.values(table.columns).map((target) =>
      typeof target === 'string' ? target : target.to,
    );
    for (const name of new Set(targets.filter((target, index) => targets.indexOf(target) !== index))) {
      context.addIssue({ code: 'custom', path: ['columns'], message: `two columns go to "${name}"` });
    }
  });

/** The form of a route's path, shared by slices and the routes snapshot. */
export const routePatternSchema = z.strictObject({
  path: z
    .string()
    .regex(
      /^(\/(:[A-Za-z_]\w*|[^/:*?#\s]+))*(\/\*)?$|^\/$/,
      'a path such as /products/:slug/reviews: literal or :name segments, * only as the last one',
    )
    .min(1),
  methods: z
    .array(z.string().regex(/^[A-Z]+$/, 'upper-case, e.g. GET'))
    .min(1)
    .optional(),
});

const sliceSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'lower-case words joined by -'),
  title: z.string().min(1),
  routes: z.array(routePatternSchema).min(1),
  tables: z.array(tableMapping),
  canaryShares: z
    .array(z.number().gt(0).lte(1))
    .min(1)
    .refine(
      (shares) => shares.every((share, i) => i === 0 || share > (shares[i - 1] ?? 0)),
      'shares must rise',
    )
    .refine((shares) => shares.at(-1) === 1, 'the last share must be 1')
    .optional(),
  gates: z
    .strictObject({
      maxLagMs: z.number().positive(),
      maxHeartbeatAgeMs: z.number().positive(),
      maxVerificationAgeMs: z.number().positive(),
    })
    .partial()
    .optional(),
});

/** A slice definition with mistakes: every one of them, in one message. */
export class SliceDefinitionError extends Error {
  readonly code = 'slice-definition-invalid';
  override readonly name = 'SliceDefinitionError';
  readonly problems: readonly string[];

  constructor(slice: string, problems: readonly string[]) {
    super(`Slice "${slice}" is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/**
 * Checks and returns a slice definition; the one call that a `slice.ts` makes.
 *
 * @throws SliceDefinitionError with every mistake at once.
 * @example
 * export const reviewsSlice = defineSlice({ name: 'reviews', title: 'Product reviews', routes: [...], tables: [...] });
 */
export function defineSlice(definition: SliceDefinition): SliceDefinition {
  const result = sliceSchema.safeParse(definition);
  if (!result.success) {
    throw new SliceDefinitionError(
      typeof definition.name === 'string' ? definition.name : '?',
      result.error.issues.map((issue) => `${issue.path.join('.') || 'slice'}: ${issue.message}`),
    );
  }
  return definition;
}
