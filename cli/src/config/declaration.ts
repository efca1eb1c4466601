import {
  BanyanConfigError,
  unknownName,
  type EnvReference,
  type ResolvedBanyanConfig,
  type SliceDefinition,
  type SourceDeclaration,
} from '@banyan/contracts';
import { dirname } from 'node:path';
import { sampleConfigFile } from '../home.ts';
import { CommandError } from '../output/command-error.ts';
import type { Declaration, DeclaredDatabase, DeclaredService, Running } from './declared.ts';
import { kafkaOf } from './given-kafka.ts';
import { loadConfig } from './load-config.ts';
import { overriddenByEnvironment, parseServiceUrls } from './old-variables.ts';
import { References } from './references.ts';

interface Asked {
  readonly file: string;
  /** The sample may have the database of DATABASE_URL. */
  readonly sample?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

type RunningInput = Readonly<{
  main?: string | undefined;
  command?: readonly string[] | undefined;
  urls?: readonly (string | EnvReference)[] | undefined;
  env: Readonly<Record<string, string | EnvReference>>;
}>;

function runningOf(declared: RunningInput, at: string, references: References): Running {
  const { main, command, urls } = declared;
  if (urls !== undefined) {
    return { kind: 'urls', urls: urls.map((url, index) => references.urlOf(url, `${at}.urls.${index}`)) };
  }
  const env = references.envOf(declared.env, at);
  return main === undefined ? { kind: 'command', command: command ?? [], env } : { kind: 'main', main, env };
}

/**
 * Reads an installation's declaration. A file of the time before it named the monolith is completed from the sample's, and
 * by the variables that said so then.
 *
 * @throws BanyanConfigError with every mistake at once, those of the environment with them; CommandError
 * `monolith-unknown` when a database is given and not what runs on it.
 */
export async function readDeclaration({
  file,
  sample = false,
  env = process.env,
}: Asked): Promise<Declaration> {
  const own = await loadConfig(file);
  const isOld = own.monolith === null;
  const base = isOld && file !== sampleConfigFile ? await loadConfig(sampleConfigFile) : own;
  const isSample = isOld || own.source?.sample === true;
  const given = isSample ? overriddenByEnvironment(env, { sample }) : null;
  const serviceUrls = parseServiceUrls(env);
  const references = new References(env);
  const dir = dirname(isOld ? sampleConfigFile : file);

  const monolith = given?.monolithUrl
    ? { kind: 'urls' as const, urls: [given.monolithUrl] }
    : runningOf(base.monolith ?? { env: {} }, 'monolith', references);
  const source = own.source ?? (isOld ? base.source : null);
  const kafka = kafkaOf(own.stack, references);
  const declaration: Declaration = {
    file,
    config: own,
    monolith: {
      name: 'monolith',
      dir,
      running: monolith,
      ready: (own.monolith ?? base.monolith)?.ready ?? '/healthz',
    },
    database:
      given === null || given.databaseUrl === undefined ? databaseOf(source, references) : given.databaseUrl,
    topicPrefix: source?.topicPrefix ?? null,
    outbox: source?.outbox ?? env['OUTBOX_TABLE'] ?? null,
    services: [
      ...own.slices.map((slice) => sliceService(slice)),
      ...own.services.map((service, index): DeclaredService => {
        const running = runningOf(service, `services.${index}`, references);
        return { name: service.name, slice: null, dir: dirname(file), running, ready: service.ready };
      }),
    ],
    kafka,
    notices: [...own.notices, ...(given?.notices ?? []), ...serviceUrls.notices, ...severalUrls(base)],
  };
  const names = own.slices.map(({ name }) => name);
  const strangers = Object.keys(serviceUrls.urls).filter((name) => !names.includes(name));
  const problems = [
    ...references.problems,
    ...serviceUrls.problems,
    ...strangers.map((name) => `SERVICE_URLS: slice ${unknownName(name, names)}`),
  ];
  if (problems.length > 0) throw new BanyanConfigError(problems);
  return declaration;

  function sliceService(slice: SliceDefinition): DeclaredService {
    const { name } = slice;
    const url = serviceUrls.urls[name];
    const declared = own.serviceOf[name] ?? base.serviceOf[name];
    const ready = declared?.ready ?? '/readyz';
    if (url !== undefined) return { name, slice, dir, ready, running: { kind: 'urls', urls: [url] } };
    if (declared) {
      const running = runningOf(declared, `slices (${name}).service`, references);
      return { name, slice, dir: own.serviceOf[name] ? dirname(file) : dir, ready, running };
    }
    references.problems.push(
      `slices: "${name}" has no service; say { slice: ..., service: { main: '...' } }`,
    );
    return { name, slice, dir, ready, running: { kind: 'urls', urls: [] } };
  }
}

/** A service keeps one copy, so requests go to one address of it for now; whoever names more is told. */
function severalUrls({ serviceOf }: ResolvedBanyanConfig): string[] {
  return Object.entries(serviceOf)
    .filter(([, declared]) => (declared?.urls?.length ?? 0) > 1)
    .map(([name]) => `${name}: of several urls the first is used, and no other`);
}

function databaseOf(source: SourceDeclaration | null, references: References): DeclaredDatabase {
  if (source === null) return null;
  if (source.url === undefined) return { kind: 'made' };
  const url = references.valueOf(source.url, 'source.url');
  if (url !== '' && !/^postgres(ql)?:\/\//.test(url)) {
    references.problems.push('source.url: wanted postgres://user:password@host:5432/database');
  }
  return { kind: 'given', url };
}

/** As `readDeclaration`, for a command that can do nothing without one. @throws CommandError `config-invalid` */
export async function needDeclaration(asked: Asked): Promise<Declaration> {
  try {
    return await readDeclaration(asked);
  } catch (cause) {
    if (!(cause instanceof BanyanConfigError)) throw cause;
    throw new CommandError({
      code: 'config-invalid',
      message: `${asked.file} is not valid.`,
      evidence: cause.problems,
      nextSteps: ['banyan doctor'],
      exitCode: 3,
      cause,
    });
  }
}
