/**
 * Cuts a text into pieces, in their order. No character is cut in two: those that take two code units stay together.
 *
 * @param maxLength Most code units of a piece; one more where a character would be cut. At least 1.
 */
export function* textPieces(text: string, maxLength: number): Generator<string> {
  for (let start = 0; start < text.length;) {
    let end = start + maxLength;
    if (isLead(text.charCodeAt(end - 1)) && isTrail(text.charCodeAt(end))) end += 1;
    yield text.slice(start, end);
    start = end;
  }
}

/** First half of a surrogate pair. */
function isLead(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** Second half of a surrogate pair. */
function isTrail(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
