/**
 * Characters that make a terminal, a pager or a viewer do or show something else than the text says: controls (ANSI
 * escapes begin with one), bidirectional overrides, invisible format characters, line separators, private use and
 * halves of surrogate pairs. The joiners U+200C and U+200D stay: words and emoji are spelt with them.
 */
const DECEPTIVE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu;

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** As in JSON: a character beyond the first plane becomes two. */
const escape = (character: string): string => character.split('').map(escapeUnit).join('');

/**
 * A text of foreign origin for one place on a screen or in a log: what could deceive becomes `\u001b`, and so on, line
 * breaks included. Twice is once: backslashes stay as they are.
 *
 * @example printable('reviews\u001b[2J') // 'reviews\\u001b[2J'
 */
export function printable(text: string): string {
  return text.replace(DECEPTIVE, escape);
}

/** As `printable`, for a text of several lines: line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(DECEPTIVE, (character) =>
    character === '\n' || character === '\t' ? character : escape(character),
  );
}

/** All texts inside a value of JSON, made printable; keys too. */
export function printableDeep<T>(value: T): T {
  return deep(value) as T;
}

function deep(value: unknown): unknown {
  if (typeof value === 'string') return printable(value);
  if (Array.isArray(value)) return value.map(deep);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [printable(key), deep(each)]));
}

/** One line of JSON that a terminal shows as it is; parsed, it is `value`. */
export function printableJson(value: unknown): string {
  return printable(JSON.stringify(value));
}
