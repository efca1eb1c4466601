import { textPieces } from './text-pieces.ts';

/** A part of a JSON text: as it stands, or a text that becomes a JSON string. */
export type TextPart = string | { readonly quoted: string };

/** Characters that are written at once. */
const PIECE_CHARS = 128 * 1024;

/**
 * A JSON text that is long by some texts in it. It is never in memory whole: its pieces are made each time they are gone
 * through, from the texts that are there anyway.
 *
 * @example
 * [...new LongText(['{"body":', { quoted: 'a "b"' }, '}']).pieces()].join('') // {"body":"a \"b\""}
 */
export class LongText {
  readonly #parts: readonly TextPart[];

  constructor(parts: readonly TextPart[]) {
    this.#parts = parts;
  }

  /** The JSON, in pieces that end where a character does. */
  *pieces(): Generator<string> {
    for (const part of this.#parts) {
      if (typeof part === 'string') {
        yield part;
        continue;
      }
      yield '"';
      for (const piece of textPieces(part.quoted, PIECE_CHARS)) yield JSON.stringify(piece).slice(1, -1);
      yield '"';
    }
  }

  /** As of the JSON's text. @param text Nothing in it that JSON would escape, and within one part. */
  includes(text: string): boolean {
    return this.#parts.some((part) => (typeof part === 'string' ? part : part.quoted).includes(text));
  }

  /** All of it, for who has no other way. */
  toString(): string {
    return [...this.pieces()].join('');
  }
}
