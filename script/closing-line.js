/**
 * How many of a part's checks failed: at least one when the part failed as a whole, be it that it counts nothing (a
 * formatter), that it broke before its first test, or that it broke after its last.
 */
export const failedOf = ({ code, failed = 0 }) => (code !== 0 && failed === 0 ? 1 : failed);

/** The line that CI reads. */
export const closingLine = ({ passed, failed }) => `${passed} passed, ${failed} failed`;
