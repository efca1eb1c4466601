import { z } from 'zod';

const variableName = z
  .string()
  .regex(/^[A-Za-z_]\w*$/, 'the name of an environment variable, e.g. SOURCE_URL');

/** Names a variable of the environment in which Banyan is started. It never holds the value. */
export interface EnvReference {
  readonly fromEnv: string;
}

/**
 * A setting that stands in the environment and not in the file: an address that differs from place to place, or a secret.
 * It is read when Banyan starts, from the variable or from the file that `<name>_FILE` names.
 *
 * @throws Error when that is no variable's name.
 * @example source: { url: fromEnv('SOURCE_URL') }
 */
export function fromEnv(name: string): EnvReference {
  const { success, error } = variableName.safeParse(name);
  if (!success) throw new TypeError(`fromEnv(${JSON.stringify(name)}): ${error.issues[0]?.message ?? ''}`);
  return { fromEnv: name };
}

export const envReferenceSchema = z.strictObject({ fromEnv: variableName });

export const isEnvReference = (value: unknown): value is EnvReference =>
  envReferenceSchema.safeParse(value).success;
