import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LongText } from './long-text.ts';
import { textPieces } from './text-pieces.ts';

const text = fc.string({ unit: 'binary' });

test('a text is cut into pieces that give it again, none longer than asked but by half a character', () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 8 }), (whole, length) => {
      const pieces = [...textPieces(whole, length)];
      expect(pieces.join('')).toBe(whole);
      expect(pieces.every((piece) => piece.length > 0 && piece.length <= length + 1)).toBe(true);
      // As UTF-8, where half a character would be lost.
      expect(Buffer.concat(pieces.map((piece) => Buffer.from(piece)))).toEqual(Buffer.from(whole));
    }),
  );
});

test('it is the JSON that it stands for', () => {
  fc.assert(
    fc.property(text, text, (one, two) => {
      const long = new LongText(['[', { quoted: one }, ',', { quoted: two }, ']']);
      expect(String(long)).toBe(JSON.stringify([one, two]));
    }),
  );
  const text3 = 'a"\\\u0001é€😀'.repeat(100_000);
  expect(String(new LongText([{ quoted: text3 }])) === JSON.stringify(text3)).toBe(true);
  expect(new LongText(['{', { quoted: text3 }, ' here }']).includes('here')).toBe(true);
  expect(new LongText(['{', { quoted: text3 }]).includes('here')).toBe(false);
});
