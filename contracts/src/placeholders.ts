import { unknownName } from './nearest-name.ts';

/** What stands for a place in the texts of `command` and `env`, and what it becomes. `secret.*` is one for any name. */
export const placeholders: Readonly<Record<string, string>> = {
  host: 'the address that it is to listen on: 127.0.0.1, and 0.0.0.0 in a container',
  port: 'the port that this process is to listen on',
  'database.monolith': "URL of the monolith's database, of the monolith's own role",
  'monolith.url': 'where the monolith answers, without the proxy',
  'identity.publicKey': 'file of the key that identity tokens are checked with, PEM',
  'store.file': 'file for a store of its own, in the state folder',
  'secret.<name>': 'file of a random secret with that name, made once and readable by its owner alone',
};

const PLACEHOLDER = /\{([A-Za-z][\w.-]*)\}/g;
const SECRET = /^secret\.([a-z][a-z0-9-]*)$/;

/** Names of placeholders in a text, in order. */
const placeholdersIn = (text: string): string[] =>
  [...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name);

/** The name of a secret, of a placeholder that is one. */
export const secretOf = (placeholder: string): string | null => SECRET.exec(placeholder)?.[1] ?? null;

/** Names of all secrets that these texts ask for. */
export const secretsIn = (texts: readonly string[]): string[] => [
  ...new Set(texts.flatMap(placeholdersIn).flatMap((name) => secretOf(name) ?? [])),
];

/** What is wrong with the placeholders of a text. */
export function placeholderProblems(text: string): string[] {
  return placeholdersIn(text)
    .filter((name) => !(name in placeholders) && secretOf(name) === null)
    .map((name) => `placeholder ${unknownName(name, Object.keys(placeholders))}`);
}

/** @param valueOf Gets names that `placeholderProblems` finds nothing wrong with. */
export function fillPlaceholders(text: string, valueOf: (name: string) => string): string {
  return text.replaceAll(PLACEHOLDER, (_whole, name: string) => valueOf(name));
}
