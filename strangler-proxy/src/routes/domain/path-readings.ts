import type { PathReading } from '@banyan/contracts';

/** Segments of a path, decoded. `/` has none. */
export type Segments = readonly string[];

/** How a path may be read; `tooMany` when there are more ways than are worth trying. */
export type Readings = readonly Segments[] | 'tooMany';

/** Something that servers do to a path before they look at it. */
interface Habit<T> {
  /** What a path has, as sent, that this does anything to. */
  readonly to: RegExp;
  readonly change: (value: T) => T;
  /** True where the monolith is known to do it; undefined: it may, or may not. */
  readonly isDone?: true;
}

// Both bound the time that one request can take.
const MAX_READINGS = 32;
const MAX_LENGTH = 2_048;
/** Paths that everybody reads alike, but for case: no escapes, empty segments, dots, parameters. */
const PLAIN = /^(?:\/[\w~!$&'()*+,=:@-]+)*\/?$/;

const beforeSplitting: readonly Habit<string>[] = [
  { to: /#/, change: (path) => path.replace(/#.*$/, '') },
  { to: /%2f/i, change: (path) => path.replaceAll(/%2f/gi, '/') },
  { to: /%5c/i, change: (path) => path.replaceAll(/%5c/gi, '\\') },
  { to: /\\|%5c/i, change: (path) => path.replaceAll('\\', '/') },
  // `//host/path`, as a reference in a page would have it (RFC 3986 4.2).
  {
    to: /^(?:\/|\\|%2f|%5c){2}/i,
    change: (path) => path.replace(/^\/\/[^/]*(?=\/|$)/, '') || '/',
  },
  { to: /(?:\/|\\|%2f|%5c){2}/i, change: (path) => path.replaceAll(/\/{2,}/g, '/') },
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

function withoutTrailingDots(segment: string): string {
  if (segment === '.' || segment === '..') return segment;
  let end = segment.length;
  while (end > 0 && '. '.includes(segment.charAt(end - 1))) end -= 1;
  return segment.slice(0, end);
}

const withoutExtension = (segment: string): string => segment.replace(/(?<=[^.])\.[^.]*$/, '');
const withoutTrailingSlash = (segments: Segments): Segments =>
  segments.at(-1) === '' ? segments.slice(0, -1) : segments;

/** A habit as the settings have it: done, not done (none), or nothing said. */
function asSaid<T>(likeness: 'same' | 'different' | undefined, habit: Habit<T>): readonly Habit<T>[] {
  if (likeness === 'different') return [];
  return [likeness === 'same' ? { ...habit, isDone: true } : habit];
}

const afterDecoding = (paths: PathReading): readonly Habit<Segments>[] => [
  // A string of C ends there; others drop it, as they do with line breaks and the like.
  { to: /#|%(?:00|23|3f)/i, change: eachSegment((segment) => segment.replace(/[\0?#].*$/s, '')) },
  { to: /[\x7f-\xff]|%/, change: eachSegment((segment) => segment.replaceAll(/\p{Cc}/gu, '')) },
  ...asSaid(paths.parameters, {
    to: /;|%3b/i,
    change: eachSegment((segment) => segment.replace(/;.*$/s, '')),
  }),
  // Before they are resolved, some cut off what follows two dots and a semicolon.
  { to: /;|%3b/i, change: eachSegment((segment) => segment.replace(/^(\.{1,2});.*$/s, '$1')) },
  { to: /(?:[/\\]|%2f|%5c)(?:\.|%)/i, change: resolveDots },
  ...asSaid(paths.trailingDotOrSpace, { to: /\.|%2[0e]/i, change: eachSegment(withoutTrailingDots) }),
  ...asSaid(paths.extension, { to: /\.|%2e/i, change: lastSegment(withoutExtension) }),
  ...asSaid(paths.trailingSlash, { to: /^/, change: withoutTrailingSlash }),
];

/** Applies each habit to each value: in place of it where it is done, beside it where it may be. */
function apply<T>(
  values: readonly T[],
  habits: readonly Habit<T>[],
  keyOf: (value: T) => string,
): T[] | null {
  let current = new Map(values.map((value) => [keyOf(value), value]));
  for (const { change, isDone } of habits) {
    const next = isDone ? new Map<string, T>() : new Map(current);
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

const keyOfSegments = (segments: Segments): string => segments.join('\u0000/');

/**
 * Makes a function that gives the ways in which the monolith may read a path, as sent and without the query: one,
 * mostly. A server that merges slashes, resolves dots, decodes `%2f` or cuts parameters off reads another path than one
 * that does not, and only some of that is said by the settings.
 */
export function createPathReader(paths: PathReading): (path: string) => Readings {
  const onSegments = afterDecoding(paths);
  return (path) => {
    if (PLAIN.test(path)) {
      const segments = split(path);
      return [paths.trailingSlash === 'same' ? withoutTrailingSlash(segments) : segments];
    }
    if (path.length > MAX_LENGTH) return 'tooMany';
    const does = ({ to }: { readonly to: RegExp }): boolean => to.test(path);
    const texts = apply([path], beforeSplitting.filter(does), (text) => text);
    const segments = texts?.flatMap(decodeSegments);
    return (segments && apply(segments, onSegments.filter(does), keyOfSegments)) ?? 'tooMany';
  };
}
