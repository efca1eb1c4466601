/** Widest line of a rendered file, as prettier has it. */
const WIDTH = 110;

/** A text as a literal of TypeScript. */
export function literal(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  if (escaped.includes("'") && !escaped.includes('"')) return `"${escaped}"`;
  return `'${escaped.replaceAll("'", "\\'")}'`;
}

/** Text inside of a template literal. */
export const inTemplate = (text: string): string => text.replaceAll(/[\\`]|\$\{/g, '\\$&');

/** A key of an object. */
export const property = (name: string): string => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name));

/** A name in SQL. */
export const sqlName = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/**
 * A list on one line where it fits, else an item a line.
 *
 * @param before What stands on the line before the list, its indentation first, e.g. `  routes: `.
 * @param after What ends the line, e.g. `,`.
 */
export function listLines(before: string, items: readonly string[], after: string): readonly string[] {
  const line = `${before}[${items.join(', ')}]${after}`;
  if (line.length <= WIDTH) return [line];
  const indent = ' '.repeat(before.length - before.trimStart().length);
  return [`${before}[`, ...items.map((item) => `${indent}  ${item},`), `${indent}]${after}`];
}

/** Lines as a file. */
export const fileOf = (...lines: readonly string[]): string => `${lines.join('\n')}\n`;

export const fits = (line: string): boolean => line.length <= WIDTH;
