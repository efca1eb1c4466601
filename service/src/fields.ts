import { createPublicKey } from 'node:crypto';
import type { ConfigVariable } from '@banyan/kit';
import { z } from 'zod';

/** The variable's name, and one line for people, with the unit. */
interface About {
  readonly env: string;
  readonly text: string;
}

const PORT_HINT = 'give a whole number from 0 to 65535';

/** A TCP port; 0 takes a free one. */
export const port = (about: About): ConfigVariable<number> => ({
  ...about,
  schema: z
    .string(PORT_HINT)
    .regex(/^\d{1,5}$/, PORT_HINT)
    .transform(Number)
    .pipe(z.int().max(65_535, PORT_HINT)),
});

/** The path of a file or folder. */
export const path = (about: About): ConfigVariable<string> => ({
  ...about,
  schema: z.string('give a path').min(1),
});

/** An address. @param schemes e.g. `['http', 'https']` */
export function url(about: About, schemes: readonly string[] = ['http', 'https']): ConfigVariable<string> {
  const hint = `give an address such as ${schemes[0] ?? 'http'}://host:port`;
  const fits = (text: string): boolean =>
    URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1));
  return { ...about, schema: z.string(hint).refine(fits, hint) };
}

/** A number above 0; undefined when it is not set. Give the unit in `text`. */
export const positiveNumber = (about: About): ConfigVariable<number | undefined> => ({
  ...about,
  schema: z.coerce.number('give a number above 0').positive('give a number above 0').optional(),
});

/** A token, best given as a file by `<env>_FILE`; never shown. @param minLength in characters. Default 16. */
export const secret = ({ env, text }: About, minLength = 16): ConfigVariable<string> => ({
  env,
  text,
  schema: z
    .string(`give a token, or its file in ${env}_FILE`)
    .min(minLength, `give at least ${minLength} characters`),
  secret: true,
});

function isEd25519(pem: string): boolean {
  try {
    return createPublicKey(pem).asymmetricKeyType === 'ed25519';
  } catch {
    return false; // whatever it is, it is no key
  }
}

/** An Ed25519 public key as PEM (SPKI), or its file in `<env>_FILE`. */
export const publicKey = ({ env, text }: About): ConfigVariable<string> => ({
  env,
  text,
  schema: z
    .string(`give a key, or its file in ${env}_FILE`)
    .refine(isEd25519, 'give an Ed25519 public key as PEM (BEGIN PUBLIC KEY)'),
  secret: true, // not that it matters who reads it: this is what makes a file be read
});
