import { z } from 'zod';
import { pathReadingSchema, type PathReading } from './path-reading.ts';
import { defineSlice, SliceDefinitionError, type SliceDefinition } from './slice.ts';
import { visitorsSchema, type VisitorSettings } from './visitors.ts';

/** What `banyan.config.ts` exports as `config`. */
export interface BanyanConfig {
  /** At least one; names, owned tables and routes are each used once. */
  readonly slices: readonly SliceDefinition[];
  /** Time for the monolith's response headers, in milliseconds. Default 30,000. */
  readonly monolithDeadlineMs?: number;
  /** Time for a service's response headers before a read falls back, in milliseconds. Default 2,000. */
  readonly serviceDeadlineMs?: number;
  /** How the monolith reads paths that only look alike. Default: nothing is known but that `/cart/` is `/cart`. */
  readonly paths?: Partial<PathReading>;
  /** Who customers and visitors are. Default: nobody is known, visitors get a cookie of the proxy's. */
  readonly visitors?: Partial<VisitorSettings>;
}

/** A checked configuration with its defaults filled in. */
export interface ResolvedBanyanConfig extends Required<Omit<BanyanConfig, 'paths' | 'visitors'>> {
  readonly paths: PathReading;
  readonly visitors: VisitorSettings;
}

/** A configuration with mistakes: every one of them, in one message. */
export class BanyanConfigError extends Error {
  readonly code = 'banyan-config-invalid';
  override readonly name = 'BanyanConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

const deadlineMs = z.number().int().positive();
const configShape = z.strictObject({
  slices: z.array(z.unknown()).min(1, 'at least one slice'),
  monolithDeadlineMs: deadlineMs.default(30_000),
  serviceDeadlineMs: deadlineMs.default(2_000),
  paths: pathReadingSchema.prefault({}),
  visitors: visitorsSchema.prefault({}),
});

function sliceProblems(slice: unknown, index: number): string[] {
  if (typeof slice !== 'object' || slice === null) {
    return [`slices.${index}: wanted what defineSlice() returns, got ${String(slice)}`];
  }
  try {
    defineSlice(slice as SliceDefinition);
    return [];
  } catch (error) {
    if (!(error instanceof SliceDefinitionError)) throw error;
    return error.problems.map((problem) => `slices.${index}.${problem}`);
  }
}

/** Names everything that two slices claim and that only one can have. */
function claimProblems(slices: readonly SliceDefinition[]): string[] {
  const claims = new Map<string, string[]>();
  const claim = (what: string, slice: string): void => {
    claims.set(what, [...(claims.get(what) ?? []), slice]);
  };
  for (const slice of slices) {
    claim(`the name "${slice.name}"`, slice.name);
    for (const table of slice.tables) {
      if (table.kind === 'owned') claim(`the owned table ${table.source}`, slice.name);
    }
    for (const route of slice.routes) {
      const path = route.path.replaceAll(/:[A-Za-z_]\w*/g, ':*');
      for (const method of new Set(route.methods ?? ['*'])) claim(`the route ${method} ${path}`, slice.name);
    }
  }
  return [...claims]
    .filter(([, owners]) => owners.length > 1)
    .map(
      ([what, owners]) =>
        `${what} is claimed by ${owners.join(' and ')}: what is written together moves together; put it into one slice`,
    );
}

/**
 * Checks what a configuration file exports as `config`, and fills in the defaults.
 *
 * @throws BanyanConfigError with every mistake at once.
 */
export function parseBanyanConfig(value: unknown): ResolvedBanyanConfig {
  const shape = configShape.safeParse(value);
  const problems = shape.success
    ? []
    : shape.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`);
  const given: unknown = (value as { slices?: unknown } | null | undefined)?.slices;
  const slices: unknown[] = Array.isArray(given) ? given : [];
  const ofSlices = slices.flatMap(sliceProblems);
  problems.push(...ofSlices);
  if (ofSlices.length === 0) problems.push(...claimProblems(slices as SliceDefinition[]));
  if (!shape.success || problems.length > 0) throw new BanyanConfigError(problems);
  return { ...shape.data, slices: slices as SliceDefinition[] };
}
