import { z } from 'zod';
import { unknownName } from './nearest-name.ts';
import { problemText } from './problem-text.ts';

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
  /**
   * Target columns that hold a fixed value in every row and have no source column, e.g. `{ shop: 'main' }`. On the way
   * back they are left out, and a row that holds another value is refused: it is not one of this table's. Numbers are
   * below 2^53; give a greater one as text. Default: none.
   */
  readonly constants?: Readonly<Record<string, ConstantValue>>;
  /**
   * Source columns whose values are about a person: they are masked wherever rows are shown. Not key columns, as rows
   * are named by them. Default: none.
   */
  readonly personal?: readonly string[];
}

/** What a constant column may hold. */
export type ConstantValue = null | boolean | number | string;

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
  /**
   * Of a slice without tables: share of the service's answers of the last minute that may be 500 or above, or none at
   * all, beyond the monolith's, 0 to 1. Default 0.01.
   */
  readonly maxErrorShare: number;
  /** Of a slice without tables: the service's p95 may be so many times the monolith's, or 50 ms. Default 2. */
  readonly maxSlowdown: number;
  /**
   * Age of the last heartbeat from which the service itself refuses reads, so that the monolith answers them, in
   * milliseconds: the net below the control plane, which takes the reads back earlier while it lives. Default 20,000.
   */
  readonly refuseReadsAfterMs: number;
}

export const defaultGateLimits: GateLimits = {
  maxLagMs: 2_000,
  maxHeartbeatAgeMs: 5_000,
  maxVerificationAgeMs: 600_000,
  maxErrorShare: 0.01,
  maxSlowdown: 2,
  refuseReadsAfterMs: 20_000,
};

/** What moves together: routes, tables and the service that takes them. */
export interface SliceDefinition {
  /** Lower-case words joined by `-`; names the slice in commands, metrics and the journal. */
  readonly name: string;
  /** One line for people. */
  readonly title: string;
  readonly routes: readonly RoutePattern[];
  /** Empty for a slice that copies nothing: it goes from `monolith` to `canary`, by its errors and its latency. */
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

const JOIN_REFUSED =
  'a table comes from one source table, never from a join: one changed row of the other table would change rows here ' +
  'that the feed says nothing about. Map both tables (kind "reference" for the one that stays) and join in the service';
const FILTER_REFUSED =
  'a table is copied with all its rows: a row that begins or ceases to match would have to appear or go without an ' +
  'event that says so. Copy the table whole and filter in the service';

function isConstant(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return value === null || typeof value === 'boolean' || typeof value === 'string';
}

const TABLE_KEYS = ['source', 'target', 'kind', 'key', 'columns', 'constants', 'personal'];

/** Keys that people try, and why they are refused. */
const refusedKeys: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['join', 'joins', 'sources', 'from'].map((key) => [key, JOIN_REFUSED])),
  ...Object.fromEntries(['where', 'filter', 'rows'].map((key) => [key, FILTER_REFUSED])),
};

const tableMapping = z
  .strictObject(
    {
      source: z
        .string({ error: (issue) => (Array.isArray(issue.input) ? JOIN_REFUSED : undefined) })
        .regex(/^[^.]+\.[^.]+$/, 'schema.table, e.g. public.orders')
        .describe("table of the monolith's, schema.table"),
      target: z.string().min(1).describe("table in the service's store"),
      kind: z
        .enum(['owned', 'reference'])
        .describe('owned: ownership moves with the slice; reference: a copy of what others own'),
      key: z
        .array(z.string())
        .min(1, 'a table without a primary key cannot be copied')
        .describe("the source's primary key columns, in key order"),
      columns: z
        .record(z.string(), columnTarget)
        .describe('source column to target column, or to { to, transform }; others are dropped'),
      constants: z
        .record(
          z.string().min(1),
          z.custom<ConstantValue>(
            isConstant,
            'a constant is null, true, false, a text, or a number below 2^53',
          ),
        )
        .optional()
        .describe('target columns with a fixed value and no source column'),
      personal: z
        .array(z.string().min(1))
        .optional()
        .describe('source columns about a person: masked wherever rows are shown'),
    },
    {
      error: (issue) =>
        issue.code === 'unrecognized_keys'
          ? issue.keys
              .map((key) => {
                const reason = refusedKeys[key];
                return reason === undefined ? unknownName(key, TABLE_KEYS) : `"${key}": ${reason}`;
              })
              .join('; ')
          : undefined,
    },
  )
  .superRefine((table, context) => {
    const problem = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    for (const column of table.key) {
      if (!(column in table.columns)) problem('columns', `key column "${column}" is not mapped`);
      if (table.personal?.includes(column)) {
        problem('personal', `key column "${column}" cannot be masked: rows are named by their keys`);
      }
    }
    const targets = [
      ...Object.values(table.columns).map((target) => (typeof target === 'string' ? target : target.to)),
      ...Object.keys(table.constants ?? {}),
    ];
    for (const name of new Set(targets.filter((target, index) => targets.indexOf(target) !== index))) {
      problem('columns', `two columns go to "${name}"`);
    }
  });

/** The form of a route's path, shared by slices and the routes snapshot. */
export const routePatternSchema = z.strictObject({
  path: z
    .string()
    .regex(
      /^(\/(:[A-Za-z_]\w*|[^/:*?#\s]+))*(\/\*)?$|^\/$/,
      'a path such as /orders/:id: literal or :name segments, * only as the last one',
    )
    .min(1)
    .describe('literal or `:name` segments, `*` only as the last one'),
  methods: z
    .array(z.string().regex(/^[A-Z]+$/, 'upper-case, e.g. GET'))
    .min(1)
    .optional()
    .describe('default: all'),
});

/** Limits that somebody sets; the others are `defaultGateLimits`. */
export const gateLimitsSchema = z
  .strictObject({
    maxLagMs: z
      .number()
      .positive()
      .describe('commit to apply, 99th percentile of the last minute, milliseconds; default 2,000'),
    maxHeartbeatAgeMs: z
      .number()
      .positive()
      .describe('age of the last heartbeat in the service, milliseconds; default 5,000'),
    maxVerificationAgeMs: z
      .number()
      .positive()
      .describe('age of the last verification without a difference, milliseconds; default 600,000'),
    maxErrorShare: z
      .number()
      .min(0)
      .max(1)
      .describe(
        "of a slice without tables: share of failed answers beyond the monolith's, 0 to 1; default 0.01",
      ),
    maxSlowdown: z
      .number()
      .min(1)
      .describe(
        "of a slice without tables: the service's p95 may be so many times the monolith's; default 2",
      ),
    refuseReadsAfterMs: z
      .number()
      .positive()
      .describe(
        'age of the last heartbeat from which the service itself refuses reads, milliseconds; default 20,000',
      ),
  })
  .partial();

/** What `defineSlice` takes. */
export const sliceSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'lower-case words joined by -')
    .describe('names it in commands, metrics and the journal'),
  title: z.string().min(1).describe('one line for people'),
  routes: z.array(routePatternSchema).min(1).describe('paths whose requests it takes'),
  tables: z
    .array(tableMapping)
    .describe('what it copies; empty for a slice that copies nothing')
    .superRefine((tables, context) => {
      for (const side of ['source', 'target'] as const) {
        const names = tables.map((table) => table[side]);
        for (const name of new Set(names.filter((each, index) => names.indexOf(each) !== index))) {
          const message = side === 'target' ? JOIN_REFUSED : 'map all its columns in one place';
          context.addIssue({
            code: 'custom',
            message: `two mappings have the ${side} "${name}": ${message}`,
          });
        }
      }
    }),
  canaryShares: z
    .array(z.number().gt(0).lte(1))
    .min(1)
    .refine(
      (shares) => shares.every((share, i) => i === 0 || share > (shares[i - 1] ?? 0)),
      'shares must rise',
    )
    .refine((shares) => shares.at(-1) === 1, 'the last share must be 1')
    .optional()
    .describe('shares that `advance` goes through in canary, rising, last 1; default 0.05, 0.25, 0.5, 1'),
  gates: gateLimitsSchema.optional().describe('its own limits'),
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
      result.error.issues.map(
        (issue) => `${issue.path.join('.') || 'slice'}: ${problemText(issue, sliceSchema)}`,
      ),
    );
  }
  return definition;
}
