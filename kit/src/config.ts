import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { CodedError } from './coded-error.ts';

/** One environment variable of a process: its parser (with default), unit and meaning. */
export interface ConfigVariable<T> {
  /** Environment variable, e.g. `SERVICE_DEADLINE_MS`. */
  readonly env: string;
  /** Parses the variable's text (or undefined). Give the default here. */
  readonly schema: z.ZodType<T>;
  /** One line for people, with the unit. */
  readonly text: string;
  /** Secrets are read from `<env>` or, better, from the file that `<env>_FILE` names; never shown. */
  readonly secret?: true;
  /** Has to be set where another variable of the table has this value. Its own schema lets it be left out. */
  readonly wantedWith?: { readonly env: string; readonly value: string };
}

export type ConfigTable = Readonly<Record<string, ConfigVariable<unknown>>>;
export type ConfigOf<T extends ConfigTable> = {
  readonly [K in keyof T]: T[K] extends ConfigVariable<infer V> ? V : never;
};

/** A start with wrong settings: every wrong one at once. */
export class ConfigError extends CodedError<'config-invalid'> {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      'config-invalid',
      `The settings are not valid:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
    this.problems = problems;
  }
}

function readText(variable: ConfigVariable<unknown>, env: NodeJS.ProcessEnv): string | undefined {
  const file = variable.secret ? env[`${variable.env}_FILE`] : undefined;
  return file ? readFileSync(file, 'utf8').trim() : env[variable.env];
}

/**
 * Reads a process's settings from the environment by its one table.
 *
 * @throws ConfigError that names every wrong variable, what it should be, and (unless secret) what was got.
 * @example
 * const config = readConfig({ port: { env: 'PORT', schema: z.coerce.number().int().default(3000), text: '...' } });
 */
export function readConfig<T extends ConfigTable>(
  table: T,
  env: NodeJS.ProcessEnv = process.env,
): ConfigOf<T> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, variable] of Object.entries(table)) {
    let text: string | undefined;
    try {
      text = readText(variable, env);
    } catch (cause) {
      problems.push(`${variable.env}_FILE cannot be read: ${(cause as Error).message}`);
      continue;
    }
    const result = variable.schema.safeParse(text === '' ? undefined : text);
    if (result.success) {
      values[name] = result.data;
      continue;
    }
    const got =
      text === undefined ? 'it is not set' : variable.secret ? 'got (hidden)' : `got ${JSON.stringify(text)}`;
    problems.push(
      `${variable.env} (${variable.text}): ${result.error.issues.map((i) => i.message).join('; ')}; ${got}`,
    );
  }
  for (const [name, { env: own, text, wantedWith }] of Object.entries(table)) {
    if (wantedWith === undefined || !(name in values) || values[name] !== undefined) continue;
    const other = Object.entries(table).find(([, variable]) => variable.env === wantedWith.env);
    if (other && values[other[0]] === wantedWith.value) {
      problems.push(`${own} (${text}): wanted with ${wantedWith.env}=${wantedWith.value}; it is not set`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return values as ConfigOf<T>;
}
