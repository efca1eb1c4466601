import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Variable that names a JSON file with the addresses of a stack that runs already. */
export const ENVIRONMENT_VARIABLE = 'BANYAN_REGRESSION_ENV';

const environmentSchema = z.strictObject({
  /** The shop without anything in front of it. */
  monolithUrl: z.url(),
  /** The same shop through the proxy. Without it only the monolith's own path is tried. */
  proxyUrl: z.url().optional(),
  /** The command `banyan` as words, e.g. `["node", "cli/src/main.ts"]`. */
  banyan: z.array(z.string()).min(1).readonly().optional(),
  /** The state folder (BANYAN_HOME) of that stack. */
  home: z.string().optional(),
});

/** Where the shop is, and how the slice of reviews is moved. */
export type Environment = z.output<typeof environmentSchema>;

/** A stack with everything, as the paths through the proxy need it. */
export interface FullEnvironment {
  readonly monolithUrl: string;
  readonly proxyUrl: string;
  readonly banyan: readonly string[];
  readonly home: string;
}

/**
 * The stack that BANYAN_REGRESSION_ENV names, or null when it is not set.
 * @throws Error when the file cannot be read or is not as described.
 */
export function readEnvironment(): Environment | null {
  const file = process.env[ENVIRONMENT_VARIABLE];
  if (!file) return null;
  const result = environmentSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (result.success) return result.data;
  throw new Error(`${ENVIRONMENT_VARIABLE}=${file}: ${z.prettifyError(result.error)}`);
}

/** @throws Error that names what is missing. */
export function requireFull(environment: Environment): FullEnvironment {
  const { proxyUrl, banyan, home, monolithUrl } = environment;
  if (proxyUrl === undefined || banyan === undefined || home === undefined) {
    throw new Error(`${ENVIRONMENT_VARIABLE}: paths through the proxy need proxyUrl, banyan and home`);
  }
  return { monolithUrl, proxyUrl, banyan, home };
}
