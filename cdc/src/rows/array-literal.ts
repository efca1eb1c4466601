/** A field of an array literal: text, null, or an array again. */
export type ArrayElement = string | null | readonly ArrayElement[];

/**
 * Reads PostgreSQL's array literal, e.g. `{a,"b c",NULL,{d}}` or `[0:1]={1,2}` (bounds are dropped).
 *
 * @param delimiter Between elements: `,` for every built-in type but `box`, whose arrays have `;`.
 * @throws RangeError when the text is not an array literal.
 */
export function parseArrayLiteral(text: string, delimiter = ','): readonly ArrayElement[] {
  const start = text.startsWith('[') ? text.indexOf('=') + 1 : 0;
  const scanner = { text, delimiter, at: start };
  const elements = readArray(scanner);
  if (scanner.at !== text.length) throw malformed(scanner);
  return elements;
}

interface Scanner {
  readonly text: string;
  readonly delimiter: string;
  at: number;
}

function malformed({ text, at }: Scanner): RangeError {
  return new RangeError(`Not an array literal (${text.length} characters, wrong at ${at}).`); // a value: not shown
}

function readArray(scanner: Scanner): ArrayElement[] {
  if (scanner.text[scanner.at] !== '{') throw malformed(scanner);
  scanner.at += 1;
  const elements: ArrayElement[] = [];
  if (scanner.text[scanner.at] === '}') {
    scanner.at += 1;
    return elements;
  }
  for (;;) {
    elements.push(readElement(scanner));
    const next = scanner.text[scanner.at];
    scanner.at += 1;
    if (next === '}') return elements;
    if (next !== scanner.delimiter) throw malformed(scanner);
  }
}

function readElement(scanner: Scanner): ArrayElement {
  const first = scanner.text[scanner.at];
  if (first === '{') return readArray(scanner);
  if (first === '"') return readQuoted(scanner);
  const start = scanner.at;
  let escaped = '';
  for (;;) {
    const character = scanner.text[scanner.at];
    if (character === undefined) throw malformed(scanner);
    if (character === scanner.delimiter || character === '}') break;
    if (character === '\\') scanner.at += 1;
    escaped += scanner.text[scanner.at] ?? '';
    scanner.at += 1;
  }
  // Only bare: a string that says NULL is quoted.
  return scanner.text.slice(start, scanner.at).toUpperCase() === 'NULL' ? null : escaped;
}

function readQuoted(scanner: Scanner): string {
  let value = '';
  scanner.at += 1;
  for (;;) {
    const character = scanner.text[scanner.at];
    if (character === undefined) throw malformed(scanner);
    scanner.at += 1;
    if (character === '"') return value;
    if (character === '\\') {
      value += scanner.text[scanner.at] ?? '';
      scanner.at += 1;
    } else {
      value += character;
    }
  }
}
