import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { takeLargeFrames } from './large-frames.ts';

const LARGE = 1024 * 1024;

function message(code: string, payload: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(code, 'latin1');
  header.writeUInt32BE(payload.length + 4, 1);
  return Buffer.concat([header, payload]);
}

/** What comes out, in its order: large payloads, and the bytes between them. */
function taken(chunks: readonly Buffer[]): readonly (readonly ['large' | 'passed', Buffer])[] {
  const found: ['large' | 'passed', Buffer][] = [];
  const take = takeLargeFrames({
    pass(bytes) {
      const last = found.at(-1);
      if (last?.[0] === 'passed') last[1] = Buffer.concat([last[1], bytes]);
      else found.push(['passed', Buffer.from(bytes)]);
    },
    onLargeFrame: (payload) => found.push(['large', Buffer.from(payload)]),
  });
  for (const chunk of chunks) take(Buffer.from(chunk));
  return found;
}

function cut(bytes: Buffer, places: readonly number[]): readonly Buffer[] {
  const ends = [...new Set(places.map((place) => place % bytes.length)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

test('large frames come out whole, all else goes on as it is, wherever the network cuts', () => {
  const small = [
    message('d', Buffer.from('one')),
    message('d', Buffer.alloc(0)),
    message('Z', Buffer.from('I')),
  ];
  const large = [Buffer.alloc(LARGE, 'ab'), Buffer.alloc(LARGE * 2 + 1, 'cde')];
  // A large message of another kind is pg's.
  const other = message('D', Buffer.alloc(LARGE + 3, 'x'));
  const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = large;
  const bytes = Buffer.concat([
    ...small,
    message('d', first),
    ...small,
    message('d', second),
    other,
    ...small,
  ]);
  const wanted = [
    Buffer.concat(small),
    first,
    Buffer.concat(small),
    second,
    Buffer.concat([other, ...small]),
  ];
  const near = [small, first, small, second, other].flatMap((_, i) => {
    const start = wanted.slice(0, i).reduce((sum, part) => sum + part.length + 5 * (i > 0 ? 1 : 0), 0);
    return Array.from({ length: 12 }, (_each, more) => start + more);
  });
  const place = fc.oneof(fc.nat({ max: bytes.length - 1 }), fc.constantFrom(...near));
  fc.assert(
    fc.property(fc.array(place, { maxLength: 40 }), (places) => {
      const found = taken(cut(bytes, places));
      expect(found.map(([kind]) => kind)).toEqual(['passed', 'large', 'passed', 'large', 'passed']);
      expect(found.every(([, part], i) => part.equals(wanted[i] ?? Buffer.alloc(0)))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('cut into single bytes around each header', () => {
  const payload = Buffer.alloc(LARGE, 'y');
  const bytes = Buffer.concat([
    message('d', Buffer.from('a')),
    message('d', payload),
    message('C', Buffer.from('b')),
  ]);
  const starts = [0, 6, bytes.length - 6];
  const places = starts.flatMap((start) => [0, 1, 2, 3, 4, 5].map((more) => start + more));
  const found = taken(cut(bytes, places));
  expect(found.map(([kind, part]) => [kind, part.length])).toEqual([
    ['passed', 6],
    ['large', LARGE],
    ['passed', 6],
  ]);
});
