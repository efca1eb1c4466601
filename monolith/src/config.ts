import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { errorCode } from './error-code.ts';

const flag = z.enum(['true', 'false'], 'Give true or false.').transform((value) => value === 'true');
const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `Give a whole number from ${min} to ${max}.`)
    .transform(Number)
    .pipe(z.int().min(min, `Give at least ${min}.`).max(max, `Give at most ${max}.`));
const SECRET_FILE = fileURLToPath(new URL('../.data/session-secret', import.meta.url));

/** Every variable that the shop reads. Secret: DATABASE_URL, SESSION_SECRET. */
export const environment = z.object({
  DATABASE_URL: z
    .string('Give the address of a PostgreSQL database: postgres://user:password@host:port/name.')
    .regex(/^postgres(ql)?:\/\//, 'Give an address that begins with postgres:// or postgresql://.')
    .describe('PostgreSQL 15 or newer'),
  HOST: z.string().min(1).default('127.0.0.1').describe('address to listen on'),
  PORT: whole(0, 65_535).default(3000).describe('TCP port; 0 takes a free one'),
  SESSION_SECRET: z
    .string()
    .min(16, 'Give at least 16 characters, or none to have one made in SESSION_SECRET_FILE.')
    .optional()
    .describe('signs the session cookie; when not set, SESSION_SECRET_FILE is used'),
  SESSION_SECRET_FILE: z.string().min(1).default(SECRET_FILE).describe('made with mode 0600 when missing'),
  TRUST_PROXY: z
    .string()
    .min(1)
    .default('loopback')
    .transform((value) => (value === 'true' || value === 'false' ? value === 'true' : value))
    .describe('whose X-Forwarded-* headers are believed: true, false, or addresses as Express takes them'),
  SEED: flag.default(true).describe('fill an empty catalog at start'),
  SEED_PRODUCTS: whole(1, 1_000).default(120).describe('how many'),
  SEED_CUSTOMERS: whole(1, 100_000).default(200).describe('how many'),
  SEED_REVIEWS: whole(0, 1_000_000).default(2_000).describe('how many'),
  SEED_ORDERS: whole(0, 1_000_000).default(300).describe('how many'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('warn').describe('pino'),
});

export type ShopConfig = z.output<typeof environment>;

/** Wrong variables, all at once. Values are not repeated: some are secret. */
export class ConfigError extends Error {
  readonly code = 'config-invalid';
}

/** Reads the environment. @throws ConfigError that names every wrong variable and how to mend it */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ShopConfig {
  const result = environment.safeParse(env);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`);
  throw new ConfigError(`The shop cannot start with these settings:\n${lines.join('\n')}`);
}

/** The secret given, or the file's, made on first use. Two processes that make it at once end with the same. */
export async function readSessionSecret(
  config: Pick<ShopConfig, 'SESSION_SECRET' | 'SESSION_SECRET_FILE'>,
): Promise<string> {
  if (config.SESSION_SECRET !== undefined) return config.SESSION_SECRET;
  const file = config.SESSION_SECRET_FILE;
  // Nothing is written where one is there: a shop starts on a full disk, too.
  if (!existsSync(file)) await makeSecret(file);
  const secret = (await readFile(file, 'utf8')).trim();
  if (secret.length < 16)
    throw new ConfigError(`${file} holds no secret of 16 characters or more. Remove it.`);
  return secret;
}

async function makeSecret(file: string): Promise<void> {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(draft, randomBytes(32).toString('base64url'), { mode: 0o600 });
  try {
    // A link appears whole or not at all, and never replaces a secret that is there.
    await link(draft, file);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
}
