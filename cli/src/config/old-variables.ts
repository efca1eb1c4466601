import { CommandError } from '../output/command-error.ts';
import type { DeclaredDatabase } from './declared.ts';

/** What variables say that `banyan.config.ts` says now. */
interface Overrides {
  readonly monolithUrl: string | null;
  /** Undefined: what the declaration says. */
  readonly databaseUrl: DeclaredDatabase | undefined;
  readonly notices: readonly string[];
}

const said = (variable: string, now: string): string =>
  `${variable} is read, and is better said in banyan.config.ts: ${now}`;

/**
 * `MONOLITH_URL` and `DATABASE_URL` beside a declaration of the sample, or beside one that names no monolith. The sample
 * makes its tables and its rows in the database that it is given: in one that is not Banyan's only when that was asked for.
 *
 * @throws CommandError `monolith-unknown` when a database is given, and neither whose it is nor that the sample may have it,
 * or MONOLITH_URL is no address.
 */
export function overriddenByEnvironment(
  env: NodeJS.ProcessEnv,
  { sample }: { readonly sample: boolean },
): Overrides {
  const database = env['DATABASE_URL'] || null;
  const url = env['MONOLITH_URL'] ?? '';
  const databaseNotice = said('DATABASE_URL', "source: { url: fromEnv('DATABASE_URL') }");
  const given: DeclaredDatabase = database === null ? null : { kind: 'given', url: database };
  if (sample || (database === null && url === '')) {
    return {
      monolithUrl: null,
      databaseUrl: given ?? undefined,
      notices: database === null ? [] : [databaseNotice],
    };
  }
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) {
    const notices = [said('MONOLITH_URL', `monolith: { urls: ['${new URL(url).origin}'] }`)];
    return {
      monolithUrl: url,
      databaseUrl: given,
      notices: database === null ? notices : [...notices, databaseNotice],
    };
  }
  throw new CommandError({
    code: 'monolith-unknown',
    message: 'Where the monolith of your own answers is not known.',
    evidence: [
      url
        ? `MONOLITH_URL is no http address: ${url}`
        : 'no banyan.config.ts of yours says it, and MONOLITH_URL is not set',
      ...(database === null
        ? []
        : ['DATABASE_URL names a database of your own; the sample would fill it: only with --sample']),
    ],
    nextSteps: [
      'less docs/how-to/own-monolith.md # a banyan.config.ts of your own',
      'banyan up --dry-run # then says what would be made in the database',
      'banyan up --sample # the sample, in a database that you made for it',
    ],
    exitCode: 3,
  });
}

/** `SERVICE_URLS=name=http://host:port,...`: services that others run. */
export function parseServiceUrls(env: NodeJS.ProcessEnv): {
  readonly urls: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
  readonly notices: readonly string[];
} {
  const text = env['SERVICE_URLS'] ?? '';
  if (text === '') return { urls: {}, problems: [], notices: [] };
  const pairs = text.split(',').map((pair) => pair.split(/=(.*)/s).map((part) => part.trim()));
  const isPair = ([name = '', url = '']: readonly string[]): boolean =>
    name !== '' && /^https?:\/\//.test(url);
  return {
    urls: Object.fromEntries(pairs.filter(isPair).map(([name = '', url = '']) => [name, url])),
    problems: pairs
      .filter((pair) => !isPair(pair))
      .map((pair) => `SERVICE_URLS: "${pair.join('=')}" is not name=http://host:port`),
    notices: [said('SERVICE_URLS', "slices: [{ slice, service: { urls: ['http://...'] } }]")],
  };
}
