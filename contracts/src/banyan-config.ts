import { z } from 'zod';
import {
  configSchema,
  type ConfigInput,
  type Limits,
  type MonolithDeclaration,
  type ServiceDeclaration,
  type ServiceInput,
  type SourceDeclaration,
} from './config-schema.ts';
import type { PathReading } from './path-reading.ts';
import { placeholderProblems } from './placeholders.ts';
import { problemText } from './problem-text.ts';
import { defineSlice, SliceDefinitionError, type SliceDefinition } from './slice.ts';
import type { VisitorSettings } from './visitors.ts';

/** One slice, the service that takes it, and how long a read waits for that. */
export interface SliceEntry {
  readonly slice: SliceDefinition;
  readonly service: ServiceInput;
  /** Time for the service's response headers before a read falls back, in milliseconds. Default 2,000. */
  readonly deadlineMs?: number;
}

/** What `banyan.config.ts` exports by default: all that is particular to one installation. docs/reference/configuration.md. */
export interface BanyanConfig extends Omit<ConfigInput, 'slices'> {
  /** At least one; names, owned tables and routes are each used once. A slice without its service is of an old file. */
  readonly slices: readonly (SliceEntry | SliceDefinition)[];
  /** @deprecated `monolith.deadlineMs` */
  readonly monolithDeadlineMs?: number;
  /** @deprecated `deadlineMs` beside the slice */
  readonly serviceDeadlineMs?: number;
}

/** A checked configuration with its defaults filled in. */
export interface ResolvedBanyanConfig {
  readonly slices: readonly SliceDefinition[];
  /** By the slice's name; null where an old file does not say. */
  readonly serviceOf: Readonly<Record<string, ServiceDeclaration | null>>;
  readonly monolith: MonolithDeclaration | null;
  readonly source: SourceDeclaration | null;
  readonly stack: z.output<typeof configSchema>['stack'];
  readonly listen: z.output<typeof configSchema>['listen'];
  readonly services: z.output<typeof configSchema>['services'];
  readonly limits: Limits;
  readonly paths: PathReading;
  readonly visitors: VisitorSettings;
  readonly monolithDeadlineMs: number;
  /** By the slice's name. */
  readonly serviceDeadlinesMs: Readonly<Record<string, number>>;
  /** What an old file says in words that go, a line each. */
  readonly notices: readonly string[];
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

/**
 * Gives the declaration of an installation its types. It is checked when the file is loaded, so that all mistakes are told
 * at once, with the file's name.
 *
 * @example export default defineConfig({ monolith: { urls: ['http://10.0.0.1:3000'] }, slices: [{ slice, service }] });
 */
export const defineConfig = (config: BanyanConfig): BanyanConfig => config;

type Loose = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Loose =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What a configuration file exports: by default, or as `config`, which files did before.
 *
 * @throws BanyanConfigError when it exports neither.
 */
export function exportedConfig(module: unknown): {
  readonly value: unknown;
  readonly notices: readonly string[];
} {
  const exported = module as { readonly default?: unknown; readonly config?: unknown };
  if (exported.default !== undefined) return { value: exported.default, notices: [] };
  if (exported.config !== undefined) {
    return {
      value: exported.config,
      notices: ['"export const config" is now "export default defineConfig({ ... })"'],
    };
  }
  throw new BanyanConfigError([
    'it exports no configuration; wanted: export default defineConfig({ slices: [...] })',
  ]);
}

function sliceProblems(slice: unknown, index: number): string[] {
  if (!isObject(slice)) return [`slices.${index}: wanted what defineSlice() returns, got ${String(slice)}`];
  try {
    defineSlice(slice as unknown as SliceDefinition);
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

/** Puts what an old file says where it is said now. */
function modernised(value: unknown): { readonly value: unknown; readonly notices: readonly string[] } {
  if (!isObject(value)) return { value, notices: [] };
  const { monolithDeadlineMs, serviceDeadlineMs, ...rest } = value;
  const notices: string[] = [];
  const given: Record<string, unknown> = { ...rest };
  if (monolithDeadlineMs !== undefined) notices.push('monolithDeadlineMs is now monolith.deadlineMs');
  if (serviceDeadlineMs !== undefined) notices.push('serviceDeadlineMs is now deadlineMs beside each slice');
  if (Array.isArray(rest['slices'])) {
    given['slices'] = rest['slices'].map((entry: unknown, index) => {
      if (!isObject(entry) || 'slice' in entry) return entry;
      if ('name' in entry)
        notices.push(`slices.${index} is a bare slice; it is now { slice: ..., service: { main: '...' } }`);
      return { slice: entry, ...(serviceDeadlineMs !== undefined && { deadlineMs: serviceDeadlineMs }) };
    });
  }
  return { value: given, notices };
}

/** Every text that may hold placeholders, by where it stands. */
function templateProblems(config: z.output<typeof configSchema>): string[] {
  const running = [
    ['monolith', config.monolith],
    ...config.slices.map(({ service }, index) => [`slices.${index}.service`, service] as const),
    ...config.services.map((service, index) => [`services.${index}`, service] as const),
  ] as const;
  return running.flatMap(([at, process]) => {
    const command = (process?.command ?? []).map((text, index) => [`${at}.command.${index}`, text] as const);
    const env = Object.entries(process?.env ?? {}).map(
      ([name, text]) => [`${at}.env.${name}`, text] as const,
    );
    return [...command, ...env].flatMap(([where, text]) =>
      typeof text === 'string' ? placeholderProblems(text).map((problem) => `${where}: ${problem}`) : [],
    );
  });
}

function nameProblems({ slices, services }: z.output<typeof configSchema>): string[] {
  const taken = [
    ...['monolith', 'control', 'proxy', 'reader', 'postgres', 'kafka', 'connect', 'customers'],
    ...['banyan', 'bus', 'prepare', 'prometheus'], // of compose
  ];
  const ofSlices = slices.map(({ slice }) => (isObject(slice) ? String(slice['name']) : ''));
  const all = [...taken, ...ofSlices, ...services.map(({ name }) => name)];
  return [
    ...ofSlices.map((name, index) => [`slices.${index}`, name] as const),
    ...services.map(({ name }, index) => [`services.${index}.name`, name] as const),
  ]
    .filter(
      ([at, name]) =>
        taken.includes(name) || (at.startsWith('services') && all.indexOf(name) !== all.lastIndexOf(name)),
    )
    .map(([at, name]) => `${at}: "${name}" is the name of another process; take another one`);
}

const legacyDeadlines = z.object({
  monolithDeadlineMs: z.number().int().positive().optional(),
  serviceDeadlineMs: z.number().int().positive().optional(),
});

/**
 * Checks what a configuration file exports, and fills in the defaults.
 *
 * @throws BanyanConfigError with every mistake at once.
 */
export function parseBanyanConfig(value: unknown): ResolvedBanyanConfig {
  const { value: given, notices } = modernised(value);
  const shape = configSchema.safeParse(given);
  const legacy = legacyDeadlines.safeParse(isObject(value) ? value : {});
  const problems = [...(shape.error?.issues ?? []), ...(legacy.error?.issues ?? [])].map(
    (issue) => `${issue.path.join('.') || 'config'}: ${problemText(issue, configSchema)}`,
  );
  const entries: unknown = isObject(given) ? given['slices'] : undefined;
  const slices: unknown[] = Array.isArray(entries)
    ? entries.map((entry: unknown) => (isObject(entry) ? entry['slice'] : entry))
    : [];
  const ofSlices = slices.flatMap(sliceProblems);
  problems.push(...ofSlices);
  if (ofSlices.length === 0) problems.push(...claimProblems(slices as SliceDefinition[]));
  if (shape.success) problems.push(...templateProblems(shape.data), ...nameProblems(shape.data));
  if (!shape.success || problems.length > 0) throw new BanyanConfigError([...new Set(problems)]);
  return resolve(shape.data, { notices, monolithDeadlineMs: legacy.data?.monolithDeadlineMs });
}

function resolve(
  config: z.output<typeof configSchema>,
  old: { readonly notices: readonly string[]; readonly monolithDeadlineMs: number | undefined },
): ResolvedBanyanConfig {
  const { monolith = null, source = null, visitors, limits } = config;
  const entries = config.slices.map((entry) => ({ ...entry, slice: entry.slice as SliceDefinition }));
  const byName = <T>(of: (entry: (typeof entries)[number]) => T): Record<string, T> =>
    Object.fromEntries(entries.map((entry) => [entry.slice.name, of(entry)]));
  return {
    monolith,
    source,
    stack: config.stack,
    listen: config.listen,
    services: config.services,
    limits,
    paths: config.paths,
    // Who is signed in is asked first anyhow: the proxy is told of the other keys only.
    visitors: { ...visitors, keys: visitors.keys.filter((key) => key !== 'customer') },
    slices: entries.map(({ slice }) =>
      limits.gates === undefined
        ? slice
        : { ...slice, gates: { ...definedOnly(limits.gates), ...slice.gates } },
    ),
    serviceOf: byName(({ service }) => service ?? null),
    serviceDeadlinesMs: byName(({ deadlineMs }) => deadlineMs),
    monolithDeadlineMs: old.monolithDeadlineMs ?? monolith?.deadlineMs ?? 30_000,
    notices: old.notices,
  };
}

function definedOnly(limits: NonNullable<Limits['gates']>): NonNullable<SliceDefinition['gates']> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
