import { CommandError } from '../output/command-error.ts';

/** Which monolith is moved: the sample shop, in a database of Banyan's or in one that was given; or one's own. */
export type Monolith =
  | { readonly kind: 'sample-shop'; readonly databaseUrl: string | null }
  | {
      readonly kind: 'own';
      /** Null where no slice copies a table. */
      readonly databaseUrl: string | null;
      /** Where it answers. Nobody starts it. */
      readonly url: string;
    };

/**
 * The sample shop makes its tables and its demo products in the database that it is given: in one that is not Banyan's it
 * does so only when that was asked for.
 *
 * @throws CommandError `monolith-unknown` when a database is given, and neither whose it is nor that the shop may have it, or
 * MONOLITH_URL is no address.
 */
export function chooseMonolith(
  asked: { readonly sampleShop: boolean },
  env: NodeJS.ProcessEnv = process.env,
): Monolith {
  const databaseUrl = env['DATABASE_URL'] ? env['DATABASE_URL'] : null;
  const url = env['MONOLITH_URL'] ?? '';
  if (asked.sampleShop || (databaseUrl === null && url === '')) return { kind: 'sample-shop', databaseUrl };
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return { kind: 'own', databaseUrl, url };
  throw new CommandError({
    code: 'monolith-unknown',
    message: 'Where the monolith of your own answers is not known.',
    evidence: [
      url ? `MONOLITH_URL is no http address: ${url}` : 'MONOLITH_URL is not set',
      ...(databaseUrl === null
        ? []
        : [
            'DATABASE_URL names a database of your own; the sample shop would fill it: only with --sample-shop',
          ]),
    ],
    nextSteps: [
      'MONOLITH_URL=http://127.0.0.1:3000 banyan up --dry-run # says what would be made in the database',
      'MONOLITH_URL=http://127.0.0.1:3000 banyan up',
      'banyan up --sample-shop # the sample shop, in a database that you made for it',
    ],
    exitCode: 3,
  });
}
