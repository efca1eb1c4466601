import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createSseReader } from './sse-lines.ts';

const STREAM =
  ': ping\n\nevent: routes\ndata: {"a":1}\n\ndata: one\r\ndata:two\r\n\r\nid: 7\nretry: 10\n\nevent: empty\n\ndata\n\n';
const EVENTS = [
  { event: 'routes', data: '{"a":1}' },
  { event: 'message', data: 'one\ntwo' },
  { event: 'message', data: '' },
];

test('reads events, wherever the stream is cut into pieces', () => {
  expect(createSseReader()(STREAM)).toEqual(EVENTS);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: STREAM.length })), (cuts) => {
      const read = createSseReader();
      const at = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
      expect(at.flatMap((start, i) => read(STREAM.slice(start, at[i + 1])))).toEqual(EVENTS);
    }),
  );
});

test('does not grow without bound on a line that never ends', () => {
  const read = createSseReader(100);
  expect(() => {
    for (let i = 0; i < 20; i++) read('data: xxxxxxxx');
  }).toThrow('more than 100 characters');
});
