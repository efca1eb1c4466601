import type { PathReading } from '@banyan/contracts';

/** Segments of a path, decoded. `/` has none. */
export type Segments = readonly string[];

/** How a path may be read; `tooMany` when there are more ways than are worth trying. */
export type Readings = readonly Segments[] | 'tooMany';

/** What servers do to a path before they look at it: a change, and whether the monolith is known to make it. */
interface Habit<T> {
  readonly change: (value: T) => T;
  /** Undefined: it may, or may not. */
  readonly isMade: boolean | undefined;
}

const MAX_READINGS = 64;
/** Paths that everybody reads alike, but for case: no escapes, empty segments, dots, parameters. */
const PLAIN = /^(?:\/[\w~!$&'()*+,=:@-]+)*\/?$/;

const unknown = <T>(change: (value: T) => T): Habit<T> => ({ change, isMade: undefined });
const known = <T>(likeness: 'same' | 'different' | undefined, change: (value: T) => T): Habit<T> => ({
  change,
  isMade: likeness && likeness === 'same',
});

const beforeSplitting: readonly Habit<string>[] = [
  unknown((path) => path.replace(/#.*$/, '')),
  unknown((path) => path.replaceAll(/%2f/gi, '/')),
  unknown((path) => path.replaceAll(/%5c/gi, '\\')),
  unknown((path) => path.replaceAll('\\', '/')),
  // `//host/path`, as a reference in a page would have it (RFC 3986 4.2).
  unknown((path) => path.replace(/^\/\/[^/]*(?=\/|$)/, '') || '/'),
  unknown((path) => path.replaceAll(/\/{2,}/g, '/')),
];

const eachSegment =
  (change: (segment: string) => string) =>
  (segments: Segments): Segments =>
    segments.map(change);

const lastSegment =
  (change: (segment: string) => string) =>
  (segments: Segments): Segments =>
    segments.map((segment, index) => (index === segments.length - 1 ? change(segment) : segment));

/** `.` and `..` as RFC 3986 5.2.4 has them. */
function resolveDots(segments: Segments): Segments {
  const resolved: string[] = [];
  for (const segment of segments) {
    if (segment === '..') resolved.pop();
    else if (segment !== '.') resolved.push(segment);
  }
  return resolved;
}

const isDots = (segment: string): boolean => segment === '.' || segment === '..';
const withoutTrailing = (segment: string): string =>
  isDots(segment) ? segment : segment.replace(/[. ]+$/, '');
const withoutTrailingSlash = (segments: Segments): Segments =>
  segments.at(-1) === '' ? segments.slice(0, -1) : segments;
const withoutExtension = (segment: string): string => segment.replace(/(?<=[^.])\.[^.]*$/, '');

const afterDecoding = (paths: PathReading): readonly Habit<Segments>[] => [
  // A string of C ends there; others drop it, as they do with line breaks and the like.
  unknown(eachSegment((segment) => segment.replace(/[\0?#].*$/s, ''))),
  unknown(eachSegment((segment) => segment.replaceAll(/\p{Cc}/gu, ''))),
  known(
    paths.parameters,
    eachSegment((segment) => segment.replace(/;.*$/s, '')),
  ),
  // Before they are resolved, some cut off what follows two dots and a semicolon.
  unknown(eachSegment((segment) => segment.replace(/^(\.{1,2});.*$/s, '$1'))),
  unknown(resolveDots),
  known(paths.trailingDotOrSpace, eachSegment(withoutTrailing)),
  known(paths.extension, lastSegment(withoutExtension)),
  known(paths.trailingSlash, withoutTrailingSlash),
];

/** Makes each change to each value: in place of it where it is made, beside it where it may be. */
function apply<T>(
  values: readonly T[],
  habits: readonly Habit<T>[],
  keyOf: (value: T) => string,
): T[] | null {
  let current = new Map(values.map((value) => [keyOf(value), value]));
  for (const { change, isMade } of habits) {
    if (isMade === false) continue;
    const next = isMade ? new Map<string, T>() : new Map(current);
    for (const value of current.values()) {
      const changed = change(value);
      next.set(keyOf(changed), changed);
    }
    if (next.size > MAX_READINGS) return null;
    current = next;
  }
  return [...current.values()];
}

/** Escapes that are no UTF-8, or no escapes at all, stay as they are or go, depending on whom one asks. */
function decodeLeniently(segment: string, unreadable: (escape: string) => string): string {
  return segment.replaceAll(/(?:%[0-9a-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return unreadable(escapes); // it says no more than that it cannot be read
    }
  });
}

const split = (path: string): Segments => (path === '/' ? [] : path.slice(1).split('/'));

function decodeSegments(path: string): Segments[] {
  const raw = split(path);
  if (!/[%\x80-\xff]/.test(path)) return [raw];
  // Node hands the bytes of a path on as latin1; most servers take them for UTF-8.
  const asUtf8 = raw.map((segment) => Buffer.from(segment, 'latin1').toString());
  const isReadable = asUtf8.every((segment) => !/%(?![0-9a-f]{2})/i.test(segment));
  const kept = asUtf8.map((segment) => decodeLeniently(segment, (escapes) => escapes));
  const dropped = asUtf8.map((segment) => decodeLeniently(segment, () => '').replaceAll('\ufffd', ''));
  const withoutStrays = isReadable ? [] : [kept.map((segment) => segment.replaceAll('%', ''))];
  return [kept, dropped, ...withoutStrays];
}

/**
 * The ways in which the monolith may read a path: one, mostly. A server that merges slashes, resolves dots, decodes
 * `%2f` or cuts parameters off reads another path than one that does not, and only some of that is said by the settings.
 *
 * @param path As sent, without the query.
 */
export function readPath(path: string, paths: PathReading): Readings {
  if (PLAIN.test(path)) {
    const segments = split(path);
    return [paths.trailingSlash === 'same' ? withoutTrailingSlash(segments) : segments];
  }
  const asText = apply([path], beforeSplitting, (text) => text);
  const segments = asText?.flatMap(decodeSegments);
  return (segments && apply(segments, afterDecoding(paths), keyOfSegments)) ?? 'tooMany';
}

const keyOfSegments = (segments: Segments): string => segments.join('\u0000/');
