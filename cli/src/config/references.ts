import { isEnvReference, nearestName, type EnvReference } from '@banyan/contracts';
import { readFileSync } from 'node:fs';

/** Reads settings that the declaration leaves to the environment, and gathers what is missing. */
export class References {
  readonly problems: string[] = [];
  readonly #env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** @param at Where it stands in the declaration, for the problem. @returns '' when it cannot be had. */
  valueOf(setting: string | EnvReference, at: string): string {
    if (!isEnvReference(setting)) return setting;
    const { fromEnv: name } = setting;
    const file = this.#env[`${name}_FILE`];
    try {
      const value = file ? readFileSync(file, 'utf8').trim() : this.#env[name];
      if (value) return value;
      const near = nearestName(
        name,
        Object.keys(this.#env).filter((key) => key !== name),
      );
      const guess = near === null ? '' : ` (${near} is)`;
      this.problems.push(`${at}: fromEnv('${name}'), and ${name} is not set${guess}; nor is ${name}_FILE`);
    } catch (cause) {
      this.problems.push(`${at}: ${name}_FILE cannot be read: ${(cause as Error).message}`);
    }
    return '';
  }

  /** An http address without a slash at its end. */
  urlOf(setting: string | EnvReference, at: string): string {
    const text = this.valueOf(setting, at);
    const isHttp = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
    if (text !== '' && !isHttp)
      this.problems.push(`${at}: wanted an http address, got ${JSON.stringify(text)}`);
    return text.replace(/\/$/, '');
  }

  envOf(env: Readonly<Record<string, string | EnvReference>>, at: string): Record<string, string> {
    return Object.fromEntries(
      Object.entries(env).map(([name, setting]) => [name, this.valueOf(setting, `${at}.env.${name}`)]),
    );
  }
}
